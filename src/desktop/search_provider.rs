// SPDX-License-Identifier: GPL-3.0-or-later
//! Lets the desktop's search find downloads by name, while the program runs:
//! <https://developer.gnome.org/documentation/tutorials/search-provider.html>.

use std::rc::Rc;

use gio::prelude::*;

use crate::model::{DownloadId, DownloadList, DownloadObject, search};

/// Where it is on the bus, under the application's name; the `.search-provider.ini` says so as well.
const PATH: &str = "/io/github/freshet/Freshet/SearchProvider";

const INTERFACE: &str = r#"<node><interface name="org.gnome.Shell.SearchProvider2">
  <method name="GetInitialResultSet"><arg type="as" direction="in"/><arg type="as" direction="out"/></method>
  <method name="GetSubsearchResultSet">
    <arg type="as" direction="in"/><arg type="as" direction="in"/><arg type="as" direction="out"/>
  </method>
  <method name="GetResultMetas"><arg type="as" direction="in"/><arg type="aa{sv}" direction="out"/></method>
  <method name="ActivateResult">
    <arg type="s" direction="in"/><arg type="as" direction="in"/><arg type="u" direction="in"/>
  </method>
  <method name="LaunchSearch"><arg type="as" direction="in"/><arg type="u" direction="in"/></method>
</interface></node>"#;

/// Answers from now on. `chosen` is called with the result that the user took, or with none when the
/// program itself is wanted.
pub fn offer(
    application: &impl IsA<gio::Application>,
    list: &DownloadList,
    chosen: impl Fn(Option<DownloadId>) + 'static,
) -> Result<(), glib::Error> {
    // There is no bus for a program that runs without one.
    let Some(bus) = application.dbus_connection() else { return Ok(()) };
    let node = gio::DBusNodeInfo::for_xml(INTERFACE)?;
    let Some(interface) = node.lookup_interface("org.gnome.Shell.SearchProvider2") else { return Ok(()) };
    let list = list.downgrade();
    let chosen = Rc::new(chosen);
    bus.register_object(PATH, &interface)
        .method_call(move |_, _, _, _, method, arguments, invocation| {
            let Some(list) = list.upgrade() else { return };
            invocation.return_value(answer(&list, method, &arguments, &*chosen).as_ref());
        })
        .build()?;
    Ok(())
}

/// What a method gives back; GIO has seen to it that the arguments are of its types.
fn answer(
    list: &DownloadList,
    method: &str,
    arguments: &glib::Variant,
    chosen: &dyn Fn(Option<DownloadId>),
) -> Option<glib::Variant> {
    let words =
        |at: usize| arguments.try_child_value(at).and_then(|child| child.get::<Vec<String>>()).unwrap_or_default();
    match method {
        "GetInitialResultSet" => Some((found(list, &words(0)),).to_variant()),
        "GetSubsearchResultSet" => Some((found(list, &words(1)),).to_variant()),
        "GetResultMetas" => {
            let downloads = words(0).iter().filter_map(|id| list.get(read(id)?)).collect::<Vec<_>>();
            Some((downloads.iter().map(meta).collect::<Vec<_>>(),).to_variant())
        }
        "ActivateResult" => {
            let id = arguments.try_child_value(0).and_then(|id| id.get::<String>());
            chosen(id.and_then(|id| read(&id)));
            None
        }
        "LaunchSearch" => {
            chosen(None);
            None
        }
        _ => None,
    }
}

fn read(id: &str) -> Option<DownloadId> {
    id.parse().ok().map(DownloadId)
}

fn found(list: &DownloadList, words: &[String]) -> Vec<String> {
    search::found(list, words).iter().map(|id| id.0.to_string()).collect()
}

fn meta(download: &DownloadObject) -> glib::VariantDict {
    let meta = glib::VariantDict::new(None);
    meta.insert("id", download.id().to_string());
    meta.insert("name", download.name());
    meta.insert("description", download.status());
    if let Some(icon) = download.icon().serialize() {
        meta.insert_value("icon", &icon);
    }
    meta
}
