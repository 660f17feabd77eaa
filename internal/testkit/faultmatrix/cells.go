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

// Foreign returns responses that are not from the service but have one of its
// statuses.
func Foreign() []Fault { return []Fault{Page, Nothing, NoRoute, Bare404} }

// Spans returns responses to a request for a range that do not state their
// range, or have another one.
func Spans() []Fault { return []Fault{SpanLost, OtherSpan} }

// InBody returns the faults in the body of a response.
func InBody() []Fault { return []Fault{ResetInBody, Stalled, Truncated, Gzipped, Shortened} }

// Void returns an impossible cell with the reason.
func Void(why string) Cell { return Cell{Void: why} }

// Repeated returns the cells of an operation that retries a request. well are
// the requests without a fault, and hit is the operation of the additional one.
func Repeated(well Counts, hit string) map[Fault]Cell {
	again := slices.Concat(Passing(), Foreign(), InBody(), []Fault{LostAnswer, ErrorIn200})
	return Cells(
		Every(Cell{Requests: Plus(well, Counts{hit: 1})}, again...),
		Every(Cell{Requests: Plus(well, Counts{hit: OutageLength})}, Outage),
		Rangeless(),
		Every(Void("the answer has no checksum of itself"), WrongBytes),
	)
}

// Rangeless returns the cells of a request without a range.
func Rangeless() map[Fault]Cell {
	return Every(Void("there is no range"), append(Spans(), RangeLost)...)
}

// Bodiless returns the cells of a response without a body, or with one that is
// not read.
func Bodiless() map[Fault]Cell {
	return Every(Void("the answer has no body that is read"), append(InBody(), ErrorIn200)...)
}

// Denied returns the cell of expired credentials.
func Denied(requests Counts) map[Fault]Cell {
	return Every(Cell{Want: fs.ErrPermission, Requests: requests}, Expired)
}
