package main

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/config"
)

// daemonSettings returns the settings of a file that are for a daemon, each once even if
// replicas inherit it.
func daemonSettings(file *config.File) []config.Setting {
	found := slices.Clone(file.Daemon)
	replicas := slices.Clone(file.Replicas)
	for _, db := range file.DBs {
		found = append(found, db.Daemon...)
		replicas = append(replicas, db.Replicas...)
	}
	for _, r := range replicas {
		for _, s := range r.Daemon() {
			if !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	return found
}

// daemonErrors returns the errors in the values of the daemon's settings.
func daemonErrors(file *config.File) (failed []error) {
	for _, s := range daemonSettings(file) {
		if err := checkDaemonValue(s); err != nil {
			failed = append(failed, err)
		}
	}
	return failed
}

// checkDaemonValue returns an error if Litestream would not accept the value of a daemon's
// setting. The value is not shown, because it may be a secret in the wrong place.
func checkDaemonValue(s config.Setting) error {
	name := s.Key[strings.LastIndex(s.Key, ".")+1:]
	valid, want := true, ""
	switch {
	case s.Value == "": // as if the setting were not there
	case strings.HasSuffix(name, "interval"), strings.HasSuffix(name, "timeout"), strings.HasSuffix(name, "retention"):
		_, err := time.ParseDuration(s.Value)
		valid, want = err == nil, "a duration, such as 30s, 5m or 24h"
	case slices.Contains([]string{"recursive", "watch", "auto-recover", "restore-if-db-not-exists", "verify-compaction", "enabled"}, name),
		slices.Contains([]string{"validation.read", "logging.stderr", "logging.source"}, s.Key):
		valid = slices.Contains([]string{"true", "false", "yes", "no", "y", "n", "on", "off"}, strings.ToLower(s.Value))
		want = "true or false"
	case strings.HasSuffix(name, "-page-count"), slices.Contains([]string{"truncate-page-n", "max-sync-wal-bytes", "max-sync-ltx-files"}, name):
		_, err := strconv.ParseInt(strings.ReplaceAll(s.Value, "_", ""), 0, 64)
		valid, want = err == nil, "a whole number"
	case s.Key == "logging.level":
		valid = slices.Contains([]string{"trace", "debug", "info", "warn", "warning", "error"}, strings.ToLower(s.Value))
		want = "debug, info, warn or error"
	}
	if valid {
		return nil
	}
	return s.Errorf("%s: want %s", s.Key, want)
}
