package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/superfly/ltx"
)

// Status is the state of the daemon and its databases.
type Status struct {
	Started   time.Time        `json:"started"`
	Healthy   bool             `json:"healthy"`
	Databases []DatabaseStatus `json:"databases"`
}

// DatabaseStatus is the state of a database.
type DatabaseStatus struct {
	Path    string `json:"path"`
	Healthy bool   `json:"healthy"`

	// Problems are the reasons if it is not healthy.
	Problems []string `json:"problems,omitempty"`

	// TXID is the last transaction that the engine has read, Replicated the last
	// one in all replicas, and Lag their difference. Replicated is zero until it is
	// known: no request is sent before there is something to write.
	TXID       ltx.TXID `json:"txid"`
	Replicated ltx.TXID `json:"replicated"`
	Lag        uint64   `json:"lag"`

	// LastSync is when the replicas were last known to be complete. Zero means not
	// since the start.
	LastSync time.Time `json:"last_sync,omitzero"`

	Replicas []ReplicaStatus `json:"replicas"`
	Check    Check           `json:"last_check,omitzero"`
	Window   Window          `json:"restorable,omitzero"`
}

// ReplicaStatus is the state of a replica since the daemon was started.
type ReplicaStatus struct {
	Place       string    `json:"place"` // without secrets
	LastWrite   time.Time `json:"last_write,omitzero"`
	LastFailure string    `json:"last_failure,omitempty"`
	FailedAt    time.Time `json:"failed_at,omitzero"`
	Recovered   bool      `json:"recovered,omitzero"` // the operation that failed has succeeded since
}

// Failing reports whether neither a write nor the operation that failed last has succeeded
// since.
func (r ReplicaStatus) Failing() bool {
	return !r.FailedAt.IsZero() && !r.Recovered && !r.LastWrite.After(r.FailedAt)
}

// Status returns the current state. It sends no request.
func (d *Daemon) Status() Status {
	s := Status{Started: d.started, Healthy: true, Databases: []DatabaseStatus{}}
	for _, db := range d.databases() {
		one := db.status(time.Now())
		s.Healthy = s.Healthy && one.Healthy
		s.Databases = append(s.Databases, one)
	}
	for _, failed := range d.failures() {
		s.Healthy = false
		s.Databases = append(s.Databases, failed.status())
	}
	slices.SortStableFunc(s.Databases, func(a, b DatabaseStatus) int { return strings.Compare(a.Path, b.Path) })
	return s
}

// status returns the state of a database that is not replicated.
func (f failure) status() DatabaseStatus {
	s := DatabaseStatus{Path: f.name(), Problems: []string{"not replicated: " + f.err.Error()}, Replicas: []ReplicaStatus{}}
	for _, r := range f.Replicas {
		s.Replicas = append(s.Replicas, ReplicaStatus{Place: r.String()})
	}
	return s
}

// databases returns all databases by path.
func (d *Daemon) databases() []*database {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*database
	for _, db := range d.dbs {
		all = append(all, db)
	}
	slices.SortFunc(all, func(a, b *database) int { return strings.Compare(a.Path, b.Path) })
	return all
}

func (d *database) status(now time.Time) DatabaseStatus {
	s := DatabaseStatus{Path: d.Path, LastSync: d.engine.LastSuccessfulSyncAt(), Replicated: d.engine.Replica.Pos().TXID}
	d.mu.Lock()
	s.Check, s.Window = d.check, d.window
	lacking := d.lacking
	d.mu.Unlock()
	written := ^ltx.TXID(0)
	for _, r := range d.each {
		r.mu.Lock()
		s.Replicas = append(s.Replicas, ReplicaStatus{r.place, r.written, r.failure, r.failed, r.passed})
		written = min(written, r.txid)
		r.mu.Unlock()
	}
	s.Replicated = max(s.Replicated, written) // the engine resets it when a sync fails
	problem := func(format string, args ...any) { s.Problems = append(s.Problems, fmt.Sprintf(format, args...)) }
	pos, err := d.engine.Pos()
	if err != nil {
		problem("position unknown: %v", err)
	}
	if s.TXID = pos.TXID; s.TXID > s.Replicated {
		s.Lag = uint64(s.TXID - s.Replicated)
	}
	switch late := d.late(); {
	case !d.exists():
		problem("the database does not exist")
	case !d.engine.IsOpen():
		problem("replication is stopped")
	case s.LastSync.IsZero() && d.foreign:
		problem("not replicated since the start, when the file was not a SQLite database")
	case s.LastSync.IsZero():
		problem("not replicated since the start")
	case now.Sub(s.LastSync) > late:
		problem("not replicated for %v", now.Sub(s.LastSync).Round(time.Second))
	}
	for _, r := range s.Replicas {
		if r.Failing() {
			problem("replica %s: %s", r.Place, r.LastFailure)
		}
	}
	if lacking != "" {
		problem("%s", lacking)
	}
	if !s.Check.At.IsZero() && !s.Check.OK {
		problem("the last check found: %s", strings.Join(s.Check.Findings, "; "))
	}
	s.Healthy = len(s.Problems) == 0
	return s
}

// late is how long a healthy database may be without a sync.
func (d *database) late() time.Duration {
	return max(time.Minute, 3*max(d.Sync.Interval, d.MonitorInterval))
}

// refresh updates the windows of the databases that are stale.
func (d *Daemon) refresh(ctx context.Context) {
	for _, db := range d.databases() {
		db.mu.Lock()
		stale := db.window.stale()
		db.mu.Unlock()
		if stale && ctx.Err() == nil {
			window := findWindow(ctx, db.all)
			db.mu.Lock()
			db.window = window
			db.mu.Unlock()
		}
	}
}
