-- The same as version 5 kept it, whose history knows what was asked for.
BEGIN TRANSACTION;
CREATE TABLE download (
id           INTEGER PRIMARY KEY AUTOINCREMENT,
url          TEXT NOT NULL,
name         TEXT NOT NULL,
folder       BLOB NOT NULL,
ca_file      BLOB,
spec         TEXT NOT NULL,
state        TEXT NOT NULL,
scheduled_at INTEGER,
failure      TEXT,
path         BLOB,
received     INTEGER NOT NULL,
total        INTEGER,
media_type   TEXT,
verified     TEXT,
removed      INTEGER NOT NULL,
added_at     INTEGER NOT NULL,
finished_at  INTEGER
    , turn INTEGER) STRICT;
CREATE TABLE history (
        id          INTEGER PRIMARY KEY,
        url         TEXT NOT NULL,
        name        TEXT NOT NULL,
        folder      BLOB NOT NULL,
        path        BLOB,
        size        INTEGER NOT NULL,
        finished_at INTEGER NOT NULL
    , wishes TEXT) STRICT;
CREATE TABLE traffic (
        day   INTEGER NOT NULL,
        host  TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (day, host)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "download" VALUES(1,'https://example.org/a.iso','a.iso',X'2F686F6D652F616E6E2F446F776E6C6F616473',NULL,'{"url":"https://example.org/a.iso","folder":"","name":null,"on_exists":"rename","resume":true,"checksum":{"algorithm":"md5","hex":"900150983cd24fb0d6963f7d28e17f72"},"connections":8,"manners":{"headers":[],"user_agent":null,"referer":null,"netrc":false,"proxy":null,"ca_file":null,"insecure":false},"patience":{"retries":5,"first_wait":{"secs":1,"nanos":0},"silence":{"secs":30,"nanos":0},"wait_for_space":true}}','queued',NULL,NULL,X'2F686F6D652F616E6E2F446F776E6C6F6164732F612E69736F2E70617274',1048576,4000000,'application/x-iso9660-image',NULL,0,1764000000000000000,NULL,NULL);
INSERT INTO "download" VALUES(2,'https://example.org/b.pdf','b.pdf',X'2F686F6D652F616E6E2F446F776E6C6F616473',X'2F6574632F636120FF2E70656D','{"url":"https://example.org/b.pdf","folder":"","name":"b.pdf","on_exists":"rename","resume":true,"checksum":null,"connections":8,"manners":{"headers":["X-A: b"],"user_agent":"curl","referer":null,"netrc":true,"proxy":null,"ca_file":null,"insecure":false},"patience":{"retries":5,"first_wait":{"secs":1,"nanos":0},"silence":{"secs":30,"nanos":0},"wait_for_space":true},"mirrors":["ftp://mirror.example.net/b.pdf"]}','completed',NULL,NULL,X'2F686F6D652F616E6E2F446F776E6C6F6164732F622E706466',3,3,'application/pdf','md5:900150983cd24fb0d6963f7d28e17f72',0,1764000001000000000,1764000002000000000,NULL);
INSERT INTO "download" VALUES(4,'https://example.org/c','c',X'2F686F6D652F616E6E2F6E6F20FF2075746638',NULL,'{"url":"https://example.org/c","folder":"","name":null,"on_exists":"skip","resume":true,"checksum":null,"connections":8,"manners":{"headers":[],"user_agent":null,"referer":null,"netrc":false,"proxy":null,"ca_file":null,"insecure":false},"patience":{"retries":5,"first_wait":{"secs":1,"nanos":0},"silence":{"secs":30,"nanos":0},"wait_for_space":true}}','failed',NULL,'{"kind":{"HttpStatus":404},"detail":"404 Not Found","retry_after":null}',NULL,0,NULL,NULL,NULL,1,1764000003000000000,NULL,NULL);
INSERT INTO "download" VALUES(5,'https://example.org/d','d',X'2F686F6D652F616E6E2F446F776E6C6F616473',NULL,'{"url":"https://example.org/d","folder":"","name":null,"on_exists":"rename","resume":true,"checksum":null,"connections":8,"manners":{"headers":[],"user_agent":null,"referer":null,"netrc":false,"proxy":null,"ca_file":null,"insecure":false},"patience":{"retries":5,"first_wait":{"secs":1,"nanos":0},"silence":{"secs":30,"nanos":0},"wait_for_space":true}}','scheduled',1764100000000000000,NULL,NULL,0,NULL,NULL,NULL,0,1764000004000000000,NULL,NULL);
INSERT INTO "download" VALUES(9,'https://example.org/e','e',X'2F686F6D652F616E6E2F446F776E6C6F616473',NULL,'{"url":"https://example.org/e","folder":"","name":null,"on_exists":"rename","resume":true,"checksum":null,"connections":1,"manners":{"headers":[],"user_agent":null,"referer":null,"netrc":false,"proxy":null,"ca_file":null,"insecure":false},"patience":{"retries":5,"first_wait":{"secs":1,"nanos":0},"silence":{"secs":30,"nanos":0},"wait_for_space":true}}','paused',NULL,NULL,X'2F686F6D652F616E6E2F446F776E6C6F6164732F652E70617274',10,NULL,NULL,NULL,0,1764000005000000000,NULL,1536);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('download',9);
INSERT INTO "history" VALUES(3,'https://example.org/gone.iso','gone.iso',X'2F686F6D652F616E6E2F6E6F20FF2075746638',X'2F686F6D652F616E6E2F446F776E6C6F6164732F676F6E652E69736F',4200000,1764000002500000000,'{"mirrors":["ftp://mirror.example.net/gone.iso"],"checksum":{"algorithm":"md5","hex":"900150983cd24fb0d6963f7d28e17f72"},"headers":["X-A: b"]}');
INSERT INTO "history" VALUES(6,'https://example.org/lost','lost',X'2F746D70',NULL,0,1764000000000000000,NULL);
INSERT INTO "traffic" VALUES(0,'example.org',70);
INSERT INTO "traffic" VALUES(20261125,'',5);
INSERT INTO "traffic" VALUES(20261125,'example.org',4200000);
CREATE INDEX history_by_url ON history (url);
COMMIT;
PRAGMA user_version = 5;
