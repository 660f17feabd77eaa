package faultmatrix_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	matrix "github.com/ltxstore/ltxstore/internal/testkit/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

func service() matrix.Service {
	answer := func(status int) httpfault.Effect { return httpfault.Status(status, nil, "") }
	return matrix.Service{Error: answer, ErrorIn200: httpfault.Status(200, nil, "error"), Expired: answer(403)}
}

func TestHoles(t *testing.T) {
	cells := matrix.Every(matrix.Cell{Requests: map[string]int{"GET": 1}}, matrix.Faults()...)
	assert.Empty(t, matrix.Holes([]matrix.Row{{Name: "a", Cells: cells}}))
	cells = matrix.Cells(cells, matrix.Every(matrix.Cell{Void: "it cannot be"}, matrix.Page), matrix.Every(matrix.Cell{}, matrix.Reset))
	delete(cells, matrix.Stalled)
	assert.Equal(t, []string{"a: reset before the answer", "a: stalled body"}, matrix.Holes([]matrix.Row{{Name: "a", Cells: cells}}))
}

// TestPlayBites: Play refuses what is not as the cell says.
func TestPlayBites(t *testing.T) {
	gone := errors.New("gone")
	for _, tt := range []struct {
		name     string
		fault    matrix.Fault
		want     error         // of the cell
		requests int           // that are made: the cell has 2
		wait     time.Duration // before the end
		err      error         // of the operation
		wrong    string        // "" if the cell is met
	}{
		{"as it should be", matrix.Failed, nil, 2, 0, nil, ""},
		{"failure", matrix.Failed, nil, 2, 0, gone, "it failed: gone"},
		{"success in place of an error", matrix.Failed, fs.ErrPermission, 2, 0, nil, "its error is <nil>"},
		{"another error", matrix.Failed, fs.ErrPermission, 2, 0, gone, "its error is gone"},
		{"the error", matrix.Failed, fs.ErrPermission, 2, 0, fs.ErrPermission, ""},
		{"no kind", matrix.Failed, matrix.ErrNoKind, 2, 0, gone, ""},
		{"a kind", matrix.Failed, matrix.ErrNoKind, 2, 0, fs.ErrNotExist, "its error is"},
		{"no error", matrix.Failed, matrix.ErrNoKind, 2, 0, nil, "its error is"},
		{"one request too many", matrix.Failed, nil, 3, 0, nil, "it cost GET 3: want GET 2"},
		{"the fault is not met", matrix.Failed, nil, 0, 0, nil, "1 of the faults were not met"},
		{"an outage ends too early", matrix.Outage, nil, 2, 0, nil, "18 of the faults were not met"},
		{"back too early", matrix.Throttled, nil, 2, matrix.RetryAfter - 1, nil, "it was back after"},
		{"back in time", matrix.Throttled, nil, 2, matrix.RetryAfter, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := httpfault.New(http.NotFoundHandler())
				row := matrix.Row{Name: "get", Cells: matrix.Every(matrix.Cell{Want: tt.want, Requests: map[string]int{"GET": 2}}, tt.fault)}
				err := matrix.Play(t.Context(), layer, service(), row, tt.fault, func(context.Context) error {
					for range tt.requests {
						layer.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
					}
					time.Sleep(tt.wait)
					return tt.err
				})
				if tt.wrong == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.wrong)
				assert.ErrorContains(t, err, "get, "+string(tt.fault))
			})
		})
	}
}

// Every fault has an effect: the answer, or that there is none.
func TestEffects(t *testing.T) {
	answers := map[matrix.Fault]string{matrix.Throttled: "429 ", matrix.Failed: "500 ", matrix.BadGateway: "502 ", matrix.Outage: "503 ",
		matrix.TimedOut: "408 ", matrix.Gzipped: "200 \x1f\x8b", matrix.Shortened: "200 h", matrix.WrongBytes: "200 h%llo", matrix.ErrorIn200: "200 error", matrix.RangeLost: "200 hello",
		matrix.SpanLost: "206 hello", matrix.OtherSpan: "206 hello",
		matrix.HTMLPage: "502 <html>", matrix.Expired: "403 ", matrix.Page: "200 <html>", matrix.Nothing: "200 ",
		matrix.NoRoute: "404 404 page not found", matrix.Bare404: "404 "}
	for _, fault := range matrix.Faults() {
		t.Run(string(fault), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				layer := httpfault.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Range") != "" {
						w.WriteHeader(http.StatusPartialContent)
					}
					_, _ = io.WriteString(w, "hello")
				}))
				w := httptest.NewRecorder()
				row := matrix.Row{At: 1, Cells: matrix.Every(matrix.Cell{Requests: map[string]int{"GET": 1}}, fault)}
				broken := false
				_ = matrix.Play(t.Context(), layer, service(), row, fault, func(ctx context.Context) error {
					defer func() { broken = recover() != nil }() // it hangs up
					ctx, cancel := context.WithTimeout(ctx, time.Hour)
					defer cancel()
					r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
					r.Header.Set("Range", "bytes=0-9")
					if fault != matrix.RangeLost && !slices.Contains(matrix.Spans(), fault) {
						r.Header.Del("Range")
					}
					layer.ServeHTTP(w, r)
					return nil
				})
				want, ok := answers[fault]
				assert.Equal(t, !ok, broken)
				if ok {
					got := http.StatusText(w.Code) + " " + w.Body.String()
					status, text, _ := strings.Cut(want, " ")
					assert.Equal(t, status, w.Result().Status[:3])
					assert.Contains(t, got, text)
				}
			})
		})
	}
}
