package config

import (
	"slices"

	"github.com/ltxstore/ltxstore"
)

// The names here are those of Litestream 0.5.18, unless said otherwise.

// daemonOfReplica are the settings of a replica that are for the daemon.
var daemonOfReplica = []string{
	"sync-interval", "validation-interval", "max-sync-ltx-files", "auto-recover",
	"retention", "retention-check-interval", "snapshot-interval", // of 0.3
}

// daemonOfDB are the settings of an item of "dbs".
var daemonOfDB = []string{
	"pattern", "recursive", "watch", "snapshot", "meta-path", "meta-dir", "monitor-interval", "checkpoint-interval", "busy-timeout",
	"min-checkpoint-page-count", "truncate-page-n", "max-sync-wal-bytes", "restore-if-db-not-exists",
	"max-checkpoint-page-count", // of 0.3
}

// daemonOfFile are the settings of the file's top level, in addition to those
// of replicas, which all replicas inherit.
var daemonOfFile = []string{
	"addr", "socket", "levels", "snapshot", "validation", "l0-retention", "l0-retention-check-interval", "verify-compaction", "retention",
	"heartbeat-url", "heartbeat-interval", "exec", "logging", "mcp-addr", "shutdown-timeout", "shutdown-sync-timeout", "shutdown-sync-interval",
}

// belowDaemon are the settings below one of the daemon's that is a map, or a list of maps.
// validation.read is ltxstored's own.
var belowDaemon = map[string][]string{
	"levels":     {"interval"},
	"logging":    {"level", "type", "stderr", "source"},
	"retention":  {"enabled"},
	"snapshot":   {"interval", "retention"},
	"socket":     {"enabled", "path", "permissions"},
	"validation": {"interval", "read"},
}

// settingsOf are the settings of backends that may not be imported. For a
// backend that is, its own table is used.
var settingsOf = map[string][]string{
	"s3": {"access-key-id", "secret-access-key", "region", "bucket", "endpoint", "force-path-style", "sign-payload", "sign-accept-encoding",
		"require-content-md5", "put-object-content-md5", "skip-verify", "storage-class", "part-size", "concurrency",
		"sse-customer-algorithm", "sse-customer-key", "sse-customer-key-path", "sse-kms-key-id"},
	"abs":    {"account-name", "account-key", "sas-token"},
	"sftp":   {"host", "user", "password", "key-path", "concurrent-writes", "host-key"},
	"webdav": {"webdav-url", "webdav-username", "webdav-password"},
	"nats": {"jwt", "seed", "creds", "nkey", "username", "password", "token", "tls", "root-cas", "client-cert", "client-key",
		"max-reconnects", "reconnect-wait", "timeout"},
}

// isBucket reports whether a type is an object store, whose keys begin with the path.
func isBucket(scheme string) bool {
	return slices.Contains([]string{"s3", "gcs", "abs", "oss"}, scheme)
}

// LitestreamLayout returns the layout of Litestream's replicas in a store,
// given the backend's Type or a URL scheme.
func LitestreamLayout(scheme string) ltxstore.Layout {
	if scheme == "s3" || scheme == "oss" {
		return ltxstore.LayoutLitestreamS3
	}
	return ltxstore.LayoutLitestream
}
