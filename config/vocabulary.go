package config

import (
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// The names here are those of Litestream 0.5.18, unless said otherwise. Names below
// another one have a dot, and those in a list are without the index.

// daemonOfReplica are the settings of a replica that are for the daemon.
var daemonOfReplica = []string{
	"sync-interval", "validation-interval", "max-sync-ltx-files", "auto-recover",
	"retention", "retention-check-interval", "snapshot-interval", // of 0.3
}

// daemonOfDB are the settings of an item of "dbs".
var daemonOfDB = []string{
	"pattern", "recursive", "watch", "snapshot.interval", "snapshot.retention", "meta-path", "meta-dir", "monitor-interval",
	"checkpoint-interval", "busy-timeout", "min-checkpoint-page-count", "truncate-page-n", "max-sync-wal-bytes", "restore-if-db-not-exists",
	"max-checkpoint-page-count", // of 0.3
}

// daemonOfFile are the settings of the file's top level, in addition to those
// of replicas, which all replicas inherit. validation.read is ltxstored's own.
var daemonOfFile = []string{
	"addr", "socket.enabled", "socket.path", "socket.permissions", "levels.interval", "snapshot.interval", "snapshot.retention",
	"validation.interval", "validation.read", "l0-retention", "l0-retention-check-interval", "verify-compaction", "retention", "retention.enabled",
	"heartbeat-url", "heartbeat-interval", "exec", "logging.level", "logging.type", "logging.stderr", "logging.source", "mcp-addr",
	"shutdown-timeout", "shutdown-sync-timeout", "shutdown-sync-interval",
}

// ofStores are Litestream's settings of stores. They may be at the top level of a file
// also if the backend that has them is not imported.
var ofStores = []string{
	"access-key-id", "secret-access-key", "region", "bucket", "endpoint", "force-path-style", "sign-payload", "sign-accept-encoding",
	"require-content-md5", "put-object-content-md5", "skip-verify", "storage-class", "part-size", "concurrency", "sse-customer-algorithm",
	"sse-customer-key", "sse-customer-key-path", "sse-kms-key-id", "account-name", "account-key", "sas-token", "host", "user", "password",
	"key-path", "concurrent-writes", "host-key", "webdav-url", "webdav-username", "webdav-password", "jwt", "seed", "creds", "nkey",
	"username", "token", "tls", "root-cas", "client-cert", "client-key", "max-reconnects", "reconnect-wait", "timeout",
}

// ofReplicas returns the settings that a section can have, whatever its type, but for
// those that only backends of this library have.
func ofReplicas() []string {
	return slices.Concat(daemonOfReplica, settings.WrapperNames(), ofStores, []string{"age", "path", "layout", "url", "type", "name"})
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
