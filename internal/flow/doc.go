// Package flow is about work that goes on: under a context, a bounded number at
// once, in order, without a panic lost, over listings that may not end, and for a
// connection that is made when it is first needed.
package flow
