package daemon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

// config returns the current configuration.
func (d *Daemon) config() *Config {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cfg
}

// Reload replaces the databases with those of cfg: new ones are added, missing ones
// are removed, and changed ones are reopened with their new settings. The others
// are not interrupted. If a setting changed that cannot change while the daemon
// runs, that is logged. The error names the databases that could not be removed or
// added; these are retried.
func (d *Daemon) Reload(ctx context.Context, cfg *Config) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	defer d.end()
	if !slices.EqualFunc(d.config().settings, cfg.settings, func(a, b config.Setting) bool { return a.Key == b.Key && a.Value == b.Value }) {
		d.log.Warn("settings at the top level have changed: restart to apply them")
	}
	dbs, err := cfg.databases(d.has)
	if err != nil {
		return err
	}
	want := make(map[string]DB)
	for _, db := range dbs {
		want[db.Path] = db
	}
	for _, failed := range d.failures() { // those that still fail are recorded again
		d.note(ctx, failed.DB, nil)
	}
	var failed []error
	for _, db := range d.databases() {
		if now, ok := want[db.Path]; !ok || now.fingerprint() != db.fingerprint() {
			failed = append(failed, d.remove(ctx, db.Path))
		}
	}
	for _, db := range dbs {
		if !d.has(db.Path) {
			err := d.add(ctx, db)
			d.note(ctx, db, err)
			failed = append(failed, err)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next := *d.cfg
	next.DBs = cfg.DBs
	d.cfg = &next
	return errors.Join(failed...)
}

// fingerprint returns a hash of the settings, which may contain secrets.
func (db DB) fingerprint() [sha256.Size]byte {
	var b strings.Builder
	for _, r := range db.Replicas {
		describe(&b, r.Source())
	}
	db.Replicas = nil
	fmt.Fprintf(&b, "%+v", db)
	return sha256.Sum256([]byte(b.String()))
}

// describe writes everything that distinguishes two sources.
func describe(b *strings.Builder, src ltxstore.Source) {
	fmt.Fprintf(b, "%q %q %q\n", src.Type, src.URL, src.Layout)
	for _, settings := range []map[string]string{src.Settings, src.Defaults} {
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			fmt.Fprintf(b, "%q=%q\n", key, settings[key])
		}
		b.WriteByte('\n')
	}
	for _, other := range src.Mirrors {
		describe(b, other)
	}
}
