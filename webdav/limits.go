package webdav

import "time"

const (
	// maxSkip is how much is read and discarded if a server ignores a range.
	maxSkip = 64 << 20

	// maxDrain is how much of a response is read to keep its connection.
	maxDrain = 64 << 10

	// answerGrace is how long to wait for the response to a sent body if ctx ends.
	answerGrace = time.Second

	// maxListing is more than the size of a listing of a million files, and
	// maxResponse more than its part for one of them, which is read into memory.
	maxListing  = 2 << 30
	maxResponse = 64 << 10
)
