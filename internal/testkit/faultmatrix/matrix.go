// Package faultmatrix tests every operation of a backend with every fault of a
// network and a service, and compares the outcome and the number of requests
// with a table.
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

// The faults. Those that end occur once, except for Outage.
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

	// A proxy responds in place of the service, with a status of success.
	Page    Fault = "200 with a page"
	Nothing Fault = "200 with nothing"

	// A proxy has no route to the service, so that no file is missing.
	NoRoute Fault = "404 with a page"
	Bare404 Fault = "404 with nothing"
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{Throttled, Failed, BadGateway, Outage, TimedOut, Refused, Reset, ResetInBody, Stalled,
		Truncated, Gzipped, Shortened, WrongBytes, ErrorIn200, LostAnswer, RangeLost, SpanLost, OtherSpan, HTMLPage, Expired, Page, Nothing, NoRoute, Bare404}
}

// RetryAfter is the Retry-After of Throttled: longer than the backoff of a
// client.
const RetryAfter = time.Minute

// OutageLength is the number of requests that fail in an Outage. The policy of
// a client must have more attempts.
const OutageLength = 20

// Service makes the responses that differ between services.
type Service struct {
	// Error responds with an error document with this status.
	Error func(status int) httpfault.Effect

	// ErrorIn200 responds with an error document with status 200, and Expired
	// with one about expired credentials.
	ErrorIn200, Expired httpfault.Effect

	// IgnoreRange responds like a service that ignores ranges. nil hides them
	// from the service, which a signature may not permit.
	IgnoreRange httpfault.Effect
}

// ErrNoKind is the Want of a cell whose error has no kind.
var ErrNoKind = errors.New("an error of no kind")

// Cell is the outcome of an operation with a fault.
type Cell struct {
	// Want is an error that the operation's error matches. nil means success
	// with the right result.
	Want error

	// Requests are the numbers of all requests by operation.
	Requests map[string]int

	// Void is the reason why the fault cannot occur in the operation.
	Void string
}

// Row is an operation.
type Row struct {
	Name string

	// Hit are the requests that the fault affects, after Skip of them.
	Hit  httpfault.Match
	Skip int

	// At is the offset in the body of a response at which it breaks, stalls or
	// is wrong.
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

// Cells joins parts of a row. Later ones take precedence.
func Cells(parts ...map[Fault]Cell) map[Fault]Cell {
	all := make(map[Fault]Cell)
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// Holes returns the missing cells: a row must have one for every fault, and a
// void one must have a reason.
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

// Play runs under testing/synctest. It adds the fault to the layer, calls do, which returns the
// error of the operation or of a wrong result, and compares that with the cell.
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

// hasKind reports whether the error matches a kind of the standard library.
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
