// Package faultmatrix plays every fault of a network and a service against
// every operation of a backend, for tests, and holds outcome and number of
// requests to a table.
package faultmatrix

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// Fault is a column of the matrix.
type Fault string

// The faults. Those that end are met once, but for Outage.
const (
	Throttled   Fault = "429 with Retry-After"
	Failed      Fault = "500"
	BadGateway  Fault = "502"
	Outage      Fault = "503 twenty times"
	TimedOut    Fault = "408"
	Refused     Fault = "connection refused"
	Reset       Fault = "reset before the answer"
	ResetInBody Fault = "reset in the body"
	Stalled     Fault = "stalled body"
	Truncated   Fault = "truncated body"
	Gzipped     Fault = "gzipped body"
	Shortened   Fault = "short body of no length"
	WrongBytes  Fault = "wrong bytes"
	ErrorIn200  Fault = "200 with an error"
	LostAnswer  Fault = "lost answer"
	RangeLost   Fault = "range ignored"
	SpanLost    Fault = "206 without its range"
	OtherSpan   Fault = "206 of another range"
	HTMLPage    Fault = "HTML error page"
	Expired     Fault = "expired token"

	// A proxy answers in the service's place, and well.
	Page    Fault = "200 with a page"
	Nothing Fault = "200 with nothing"

	// Or it has lost its route to the service: nothing is missing.
	NoRoute Fault = "404 with a page"
	Bare404 Fault = "404 with nothing"
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{Throttled, Failed, BadGateway, Outage, TimedOut, Refused, Reset, ResetInBody, Stalled,
		Truncated, Gzipped, Shortened, WrongBytes, ErrorIn200, LostAnswer, RangeLost, SpanLost, OtherSpan, HTMLPage, Expired, Page, Nothing, NoRoute, Bare404}
}

// RetryAfter is how long Throttled wants to be left alone: longer than a
// client waits by itself.
const RetryAfter = time.Minute

// OutageLength is how many requests an Outage fails. A client's policy must
// have more attempts.
const OutageLength = 20

// Service is how a service says what only it can say.
type Service struct {
	// Error answers with an error document of this status.
	Error func(status int) httpfault.Effect

	// ErrorIn200 answers with one under the status 200, and Expired that the
	// credentials have expired.
	ErrorIn200, Expired httpfault.Effect

	// IgnoreRange answers as a service that ignores ranges; nil hides them
	// from one that does not, which a signature may not bear.
	IgnoreRange httpfault.Effect
}

// ErrNoKind is the Want of a cell whose error is of no kind.
var ErrNoKind = errors.New("an error of no kind")

// Cell is what an operation makes of a fault.
type Cell struct {
	// Want is what errors.Is finds in the operation's error; nil is success,
	// with a result that is right.
	Want error

	// Requests are all of them, by operation.
	Requests map[string]int

	// Void says why the fault cannot meet the operation.
	Void string
}

// Row is an operation.
type Row struct {
	Name string

	// Hit are the requests that the fault meets, after Skip of them.
	Hit  httpfault.Match
	Skip int

	// At is where in an answer's body it breaks, stalls or is wrong.
	At int64

	Cells map[Fault]Cell
}

// Every returns the same cell for several faults.
func Every(cell Cell, faults ...Fault) map[Fault]Cell {
	cells := make(map[Fault]Cell, len(faults))
	for _, fault := range faults {
		cells[fault] = cell
	}
	return cells
}

// Cells joins parts of a row; a later one counts.
func Cells(parts ...map[Fault]Cell) map[Fault]Cell {
	all := make(map[Fault]Cell)
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// Holes returns the cells that nobody has thought of: a row has one for every
// fault, and a void one says why.
func Holes(rows []Row) (holes []string) {
	for _, row := range rows {
		for _, fault := range Faults() {
			cell, ok := row.Cells[fault]
			if !ok || cell.Void == "" && len(cell.Requests) == 0 {
				holes = append(holes, row.Name+": "+string(fault))
			}
		}
	}
	return holes
}

// Play runs under testing/synctest. It scripts the fault on the layer, calls do, which returns the operation's
// error or that of a wrong result, and holds it to the cell.
func Play(ctx context.Context, layer *httpfault.Layer, service Service, row Row, fault Fault, do func(context.Context) error) error {
	cell := row.Cells[fault]
	layer.Add(&httpfault.Rule{Match: row.Hit, Skip: row.Skip, Times: fault.times(), Do: service.effect(fault, row.At)})
	layer.Reset()
	begin := time.Now()
	err := do(ctx)
	var wrong []string
	switch {
	case cell.Want == nil && err != nil:
		wrong = append(wrong, fmt.Sprintf("it failed: %v", err))
	case cell.Want == ErrNoKind && err != nil && !hasKind(err):
	case cell.Want != nil && !errors.Is(err, cell.Want):
		wrong = append(wrong, fmt.Sprintf("its error is %v: want one that errors.Is finds to be %v", err, cell.Want))
	}
	if got := layer.Counts(); !maps.Equal(got, cell.Requests) {
		wrong = append(wrong, fmt.Sprintf("it cost %s: want %s", requests(got), requests(cell.Requests)))
	}
	if took := time.Since(begin); fault == Throttled && took < RetryAfter {
		wrong = append(wrong, fmt.Sprintf("it was back after %v: the service wants %v", took, RetryAfter))
	}
	if n := layer.Unused(); n > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of the faults were not met", n))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s, %s: %s", row.Name, fault, strings.Join(wrong, "; "))
	}
	return nil
}

// hasKind reports that the error is of a kind that the standard library names.
func hasKind(err error) bool {
	return slices.ContainsFunc([]error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported},
		func(kind error) bool { return errors.Is(err, kind) })
}

func requests(counts map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, " %s %d", name, counts[name])
	}
	if b.Len() == 0 {
		return "nothing"
	}
	return b.String()[1:]
}

func (f Fault) times() int {
	switch f {
	case Outage:
		return OutageLength
	case RangeLost: // it is how such a server is
		return -1
	}
	return 1
}

func (s Service) effect(fault Fault, at int64) httpfault.Effect {
	switch fault {
	case Throttled:
		return httpfault.Throttle(RetryAfter)
	case Failed:
		return s.Error(500)
	case BadGateway:
		return s.Error(502)
	case Outage:
		return s.Error(503)
	case TimedOut:
		return s.Error(408)
	case Refused:
		return httpfault.Refuse()
	case Reset:
		return httpfault.Reset()
	case ResetInBody:
		return httpfault.ResetAfter(at)
	case Stalled:
		return httpfault.StallAfter(at)
	case Truncated:
		return httpfault.Truncate(at)
	case Shortened:
		return httpfault.Shorten(at)
	case Gzipped:
		return httpfault.Gzip()
	case WrongBytes:
		return httpfault.Corrupt(at)
	case ErrorIn200:
		return s.ErrorIn200
	case LostAnswer:
		return httpfault.LoseAnswer()
	case RangeLost:
		if s.IgnoreRange != nil {
			return s.IgnoreRange
		}
		return httpfault.IgnoreRange()
	case SpanLost:
		return httpfault.ContentRange("")
	case OtherSpan:
		return httpfault.ContentRange("bytes 1-10/100")
	case HTMLPage:
		return httpfault.HTML(502)
	case Expired:
		return s.Expired
	case Page:
		return httpfault.HTML(200)
	case Nothing:
		return httpfault.Status(200, nil, "")
	case NoRoute:
		return httpfault.Status(404, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, "404 page not found\n")
	case Bare404:
		return httpfault.Status(404, nil, "")
	}
	panic("faultmatrix: no such fault: " + string(fault))
}
