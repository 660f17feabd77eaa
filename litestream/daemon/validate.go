package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ltxstore/ltxstore/litestream"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/verify"
)

// Check is the result of a check of a database's replicas.
type Check struct {
	At       time.Time `json:"at"` // zero before the first one
	OK       bool      `json:"ok"`
	Read     bool      `json:"read"`               // every file was read
	Findings []string  `json:"findings,omitempty"` // the problems

	unmade bool // a store was not available
}

// due reports whether to check again. A check that could not be made is retried
// each minute.
func (c Check) due(started time.Time, interval time.Duration) bool {
	last := c.At
	if last.IsZero() {
		last = started
	}
	return c.unmade || time.Since(last) >= interval
}

// validate checks each database every interval.
func (d *Daemon) validate(ctx context.Context) {
	each(ctx, min(d.config().ValidationInterval, time.Minute), func() {
		d.validateIf(ctx, func(c Check) bool { return c.due(d.started, d.config().ValidationInterval) })
	})
}

// Validate checks the replicas of each database: what can be restored, gaps between
// the files of a level, and with Config.ValidationRead the content of every file.
// Findings are logged and shown in the metrics and on the status page.
func (d *Daemon) Validate(ctx context.Context) {
	d.validateIf(ctx, func(Check) bool { return true })
}

// validateIf checks the databases whose last check meets due.
func (d *Daemon) validateIf(ctx context.Context, due func(Check) bool) {
	for _, db := range d.databases() {
		if ctx.Err() != nil {
			return
		}
		db.mu.Lock()
		last := db.check
		db.mu.Unlock()
		if !due(last) {
			continue
		}
		check := d.checked(ctx, db)
		if ctx.Err() != nil {
			return
		}
		db.mu.Lock()
		db.check = check
		db.mu.Unlock()
		for _, finding := range check.Findings {
			d.log.Error("replica check failed", "path", db.Path, "finding", finding)
		}
		d.log.Debug("replica checked", "path", db.Path, "ok", check.OK)
	}
}

// checked checks the replicas of a database.
func (d *Daemon) checked(ctx context.Context, db *database) Check {
	check := Check{Read: d.config().ValidationRead}
	byLevel := make(levelResults)
	for _, replica := range db.each { // each by itself: a mirror would hide what only one lacks
		before := len(check.Findings)
		if check.Read {
			d.read(ctx, db, replica, &check, byLevel)
		} else {
			d.list(ctx, db, replica, &check, byLevel)
		}
		for i := range check.Findings[before:] {
			if len(db.each) > 1 {
				check.Findings[before+i] = "replica " + replica.place + ": " + check.Findings[before+i]
			}
		}
	}
	check.At, check.OK = time.Now(), len(check.Findings) == 0
	if ctx.Err() == nil {
		for level, err := range byLevel {
			d.metrics.note(db.Path, level, err)
		}
	}
	return check
}

// errInvalid means that a check has findings.
var errInvalid = errors.New("invalid")

// levelResults has the result of the check of each level. It is nil if all checks of
// the level succeeded.
type levelResults map[int]error

func (l levelResults) note(level int, err error) {
	if l[level] == nil {
		l[level] = err
	}
}

// list checks the listings. It stops at a listing that fails, because the others
// would fail for the same reason.
func (d *Daemon) list(ctx context.Context, db *database, replica *observed, check *Check, byLevel levelResults) {
	var failed error
	alone := engine.NewReplicaWithClient(db.engine, litestream.Client(replica))
	for level := range len(d.config().Levels) + 1 {
		var found []engine.ValidationError
		if failed == nil {
			found, failed = alone.ValidateLevel(ctx, level)
		}
		byLevel.note(level, failed)
		for _, f := range found {
			byLevel.note(level, errInvalid)
			check.Findings = append(check.Findings, fmt.Sprintf("level %d: %s", level, f.Message))
		}
	}
	if failed == nil {
		_, failed = restore.NewPlan(ctx, replica, restore.Target{}, nil)
		if errors.Is(failed, fs.ErrNotExist) && db.engine.Replica.Pos().IsZero() {
			return // nothing was replicated yet
		}
	}
	if failed != nil {
		check.unmade = check.unmade || !errors.Is(failed, fs.ErrNotExist)
		check.Findings = append(check.Findings, failed.Error())
	}
}

// read reads every file.
func (d *Daemon) read(ctx context.Context, db *database, replica *observed, check *Check, byLevel levelResults) {
	report, err := verify.Run(ctx, replica, verify.Config{})
	if err != nil {
		check.unmade = true
		check.Findings = append(check.Findings, err.Error())
		return
	}
	for _, level := range report.Levels {
		byLevel.note(level.Level, nil)
	}
	for _, level := range report.Unchecked {
		byLevel.note(level, errors.New("not checked"))
	}
	check.unmade = check.unmade || !report.Complete
	for _, f := range report.Findings {
		if f.Severity == verify.Error {
			byLevel.note(f.Level, errInvalid)
			check.Findings = append(check.Findings, f.Message)
			if !report.Complete && report.Files == 0 {
				return // the other findings follow from this one
			}
		}
	}
	if report.Restore == nil && !report.RestoreUnknown && (len(report.Levels) > 0 || !db.engine.Replica.Pos().IsZero()) {
		check.Findings = append(check.Findings, "nothing can be restored")
	}
}

// validationMetrics are the metrics of checks, with the names and help texts of
// Litestream, so that its collectors are used if they are registered.
type validationMetrics struct {
	checks        *prometheus.CounterVec
	success, time *prometheus.GaugeVec
}

func newValidationMetrics() (*validationMetrics, error) {
	labels := []string{"db", "level"}
	checks, err1 := registered(prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "litestream_validation_checks_total",
		Help: "Number of replica validation checks by result (success, invalid, or error).",
	}, []string{"db", "level", "result"}))
	success, err2 := registered(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "litestream_last_validation_success",
		Help: "Whether the last replica validation check succeeded (1) or failed (0). Zero before the first check completes.",
	}, labels))
	at, err3 := registered(prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "litestream_last_validation_success_timestamp_seconds",
		Help: "Unix time of the last successful replica validation check. Zero until a check succeeds.",
	}, labels))
	return &validationMetrics{checks, success, at}, errors.Join(err1, err2, err3)
}

// registered registers a collector, or returns the registered one with its name.
func registered[C prometheus.Collector](c C) (C, error) {
	err := prometheus.Register(c)
	if already := new(prometheus.AlreadyRegisteredError); errors.As(err, already) {
		if there, ok := already.ExistingCollector.(C); ok {
			return there, nil
		}
	}
	return c, err
}

// forget removes the metrics of a database that is no longer checked. Otherwise its
// checks would seem to have stopped.
func (m *validationMetrics) forget(path string) {
	of := prometheus.Labels{"db": path}
	m.checks.DeletePartialMatch(of)
	m.success.DeletePartialMatch(of)
	m.time.DeletePartialMatch(of)
}

// note records a check of a level. err is nil, errInvalid, or the reason why the
// check could not be made.
func (m *validationMetrics) note(path string, level int, err error) {
	result, ok := "error", 0.0
	switch {
	case err == nil:
		result, ok = "success", 1
	case errors.Is(err, errInvalid):
		result = "invalid"
	}
	name := strconv.Itoa(level)
	m.checks.WithLabelValues(path, name, result).Inc()
	m.success.WithLabelValues(path, name).Set(ok)
	at := m.time.WithLabelValues(path, name)
	if err == nil {
		at.SetToCurrentTime()
	}
}
