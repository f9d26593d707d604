# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_freshet_global_optspecs
    string join \n background V/version h/help
end

function __fish_freshet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_freshet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_freshet_using_subcommand
    set -l cmd (__fish_freshet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c freshet -n "__fish_freshet_needs_command" -l background -d 'Start without showing the window'
complete -c freshet -n "__fish_freshet_needs_command" -s V -l version -d 'Print the version and exit'
complete -c freshet -n "__fish_freshet_needs_command" -s h -l help -d 'Print help'
complete -c freshet -n "__fish_freshet_needs_command" -a "get" -d 'Download here and now, with no need for a display'
complete -c freshet -n "__fish_freshet_using_subcommand get" -s o -l output -d 'Target file, for a single address' -r -F
complete -c freshet -n "__fish_freshet_using_subcommand get" -s d -l dir -d 'Target folder, made if it is not there [default: the current folder]' -r -F
complete -c freshet -n "__fish_freshet_using_subcommand get" -s i -l input-file -d 'Addresses from a file, “-” for standard input: one a line' -r -F
complete -c freshet -n "__fish_freshet_using_subcommand get" -s x -l connections -d 'Most connections for one download, 1 to 32; it opens only as many as help' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -s j -l parallel -d 'Most downloads at a time' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l per-host -d 'Most connections to one host [default: 8, or as many as -x asks for]' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l limit-rate -d 'Most bytes a second for all downloads together, such as 500K or 1.5M; K is 1024, M 1024 K, G 1024 M' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l limit-each -d 'Most bytes a second for each download alone' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l limit-schedule -d 'Other rates at some hours, such as "Mon-Fri 08:00-18:00 500K; daily 23:00-06:00 unlimited"' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l checksum -d 'What the file must be: md5, sha1, sha256 or sha512, a colon, and the digits' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l header -d 'Send this header too; may be given more than once' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l user-agent -d 'Name this program as the one that asks' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l referer -d 'Name this page as the one the link is on' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l user -d 'Log in with this name and password' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l proxy -d 'Go through this proxy' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l cacert -d 'Trust the certificate authorities in this file' -r -F
complete -c freshet -n "__fish_freshet_using_subcommand get" -l retry -d 'How often to try again after a temporary error; progress starts the count anew' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l retry-wait -d 'The wait before the first retry; it doubles each time, the server\'s own wish wins, and none is longer than 15 minutes' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l timeout -d 'Silence after which a connection is given up' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l on-exists -d 'What to do if a finished file of the same name is there [default: rename]' -r
complete -c freshet -n "__fish_freshet_using_subcommand get" -l netrc -d 'Take name and password from ~/.netrc'
complete -c freshet -n "__fish_freshet_using_subcommand get" -l find-checksum -d 'Look for a checksum published beside the file (FILE.sha256, SHA256SUMS) where none is given and the file has a MiB or more'
complete -c freshet -n "__fish_freshet_using_subcommand get" -l insecure -d 'Do not check certificates'
complete -c freshet -n "__fish_freshet_using_subcommand get" -l no-resume -d 'Start anew even if there is a part file to continue'
complete -c freshet -n "__fish_freshet_using_subcommand get" -l overwrite -d 'Replace a file of the same name; short for --on-exists overwrite'
complete -c freshet -n "__fish_freshet_using_subcommand get" -l json -d 'Tell what happens as JSON on standard output, one object a line'
complete -c freshet -n "__fish_freshet_using_subcommand get" -s q -l quiet -d 'Tell failures only'
complete -c freshet -n "__fish_freshet_using_subcommand get" -s v -l verbose -d 'Tell more'
complete -c freshet -n "__fish_freshet_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
