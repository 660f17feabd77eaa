package faultmatrix

import (
	"io/fs"
	"maps"
	"slices"
)

// Counts are requests by operation.
type Counts = map[string]int

// Plus returns the sum of counts.
func Plus(well, more Counts) Counts {
	sum := maps.Clone(well)
	for name, n := range more {
		sum[name] += n
	}
	return sum
}

// Passing returns the faults after which the same request succeeds.
func Passing() []Fault {
	return []Fault{Throttled, Failed, BadGateway, TimedOut, Refused, Reset, HTMLPage}
}

// Foreign returns the answers of something else than the service, under a status
// that the service uses too.
func Foreign() []Fault { return []Fault{Page, Nothing, NoRoute, Bare404} }

// Spans returns the answers to a request for a range that do not say which range
// they are, or are another.
func Spans() []Fault { return []Fault{SpanLost, OtherSpan} }

// InBody returns the faults that spoil an answer in its body.
func InBody() []Fault { return []Fault{ResetInBody, Stalled, Truncated, Gzipped, Shortened} }

// Void returns a cell that cannot be, and why.
func Void(why string) Cell { return Cell{Void: why} }

// Repeated returns the cells of an operation that sends a request again: well is
// what it costs, and hit the operation of which a fault costs one more.
func Repeated(well Counts, hit string) map[Fault]Cell {
	again := slices.Concat(Passing(), Foreign(), InBody(), []Fault{LostAnswer, ErrorIn200})
	return Cells(
		Every(Cell{Requests: Plus(well, Counts{hit: 1})}, again...),
		Every(Cell{Requests: Plus(well, Counts{hit: OutageLength})}, Outage),
		Rangeless(),
		Every(Void("the answer has no checksum of itself"), WrongBytes),
	)
}

// Rangeless returns the cells of a request that asks for no range.
func Rangeless() map[Fault]Cell {
	return Every(Void("there is no range"), append(Spans(), RangeLost)...)
}

// Bodiless returns the cells of an answer that has no body, or one that nobody
// reads.
func Bodiless() map[Fault]Cell {
	return Every(Void("the answer has no body that is read"), append(InBody(), ErrorIn200)...)
}

// Denied returns the cell of expired credentials.
func Denied(requests Counts) map[Fault]Cell {
	return Every(Cell{Want: fs.ErrPermission, Requests: requests}, Expired)
}
