package trace_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

// traced returns a client over memory, and what it has traced.
func traced(t *testing.T) (*mock.ReplicaClient, *trace.Client, *tracetest.InMemoryExporter) {
	t.Helper()
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	return next, trace.New(next, trace.Config{TracerProvider: provider}), spans
}

// attributes returns those of the last span.
func attributes(t *testing.T, spans *tracetest.InMemoryExporter) map[string]any {
	t.Helper()
	found := spans.GetSpans()
	require.NotEmpty(t, found)
	got := make(map[string]any)
	for _, a := range found[len(found)-1].Attributes {
		got[string(a.Key)] = a.Value.AsInterface()
	}
	return got
}

func TestSpans(t *testing.T) {
	_, c, spans := traced(t)
	require.NoError(t, c.Init(t.Context()))
	for _, r := range []io.Reader{strings.NewReader("0123456789"), iotest.HalfReader(strings.NewReader("0123456789"))} {
		_, err := c.WriteLTXFile(t.Context(), 3, 1, 10, r)
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"ltx.replica": "mock", "ltx.level": int64(3), "ltx.min_txid": "0000000000000001", "ltx.max_txid": "000000000000000a",
			"ltx.bytes": int64(10)}, attributes(t, spans))
	}
	rc, err := c.OpenLTXFile(t.Context(), 3, 1, 10, 2, 6)
	require.NoError(t, err)
	_, err = io.ReadFull(rc, make([]byte, 4))
	require.NoError(t, err)
	assert.Len(t, spans.GetSpans(), 3, "a reader's ends with Close")
	require.NoError(t, rc.Close())
	require.NoError(t, rc.Close())
	assert.Equal(t, map[string]any{"ltx.replica": "mock", "ltx.level": int64(3), "ltx.min_txid": "0000000000000001", "ltx.max_txid": "000000000000000a",
		"ltx.offset": int64(2), "ltx.size": int64(6), "ltx.bytes": int64(4)}, attributes(t, spans))

	files, err := c.LTXFiles(t.Context(), 3, 1, true)
	require.NoError(t, err)
	assert.True(t, files.Next())
	assert.Len(t, spans.GetSpans(), 4, "a listing's ends with Close")
	require.NoError(t, files.Close())
	require.NoError(t, files.Close())
	assert.Equal(t, map[string]any{"ltx.replica": "mock", "ltx.level": int64(3), "ltx.seek": "0000000000000001", "ltx.files": int64(1)}, attributes(t, spans))

	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{Level: 3, MinTXID: 1, MaxTXID: 10}}))
	assert.Equal(t, map[string]any{"ltx.replica": "mock", "ltx.level": int64(3), "ltx.min_txid": "0000000000000001", "ltx.max_txid": "000000000000000a",
		"ltx.files": int64(1)}, attributes(t, spans))
	require.NoError(t, c.DeleteAll(t.Context()))

	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
		assert.Equal(t, api.SpanKindClient, s.SpanKind)
		assert.Equal(t, codes.Unset, s.Status.Code)
		assert.Empty(t, s.Events)
		assert.False(t, s.EndTime.IsZero())
	}
	assert.Equal(t, []string{"ltx init", "ltx write", "ltx write", "ltx open", "ltx list", "ltx delete", "ltx delete all"}, names)
}

// Every failure is on the span, and in its status unless it is an answer.
func TestFailures(t *testing.T) {
	broken := errors.New("broken; url=https://user:hunter2@host/?X-Amz-Signature=hunter2")
	ops := map[mock.Op]func(ctx context.Context, c ltxstore.ReplicaClient) error{
		mock.OpInit: func(ctx context.Context, c ltxstore.ReplicaClient) error { return ltxstore.Init(ctx, c) },
		mock.OpList: list, mock.OpNext: list, mock.OpOpen: read, mock.OpRead: read,
		mock.OpWrite: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			_, err := c.WriteLTXFile(ctx, 0, 2, 2, strings.NewReader("body"))
			return err
		},
		mock.OpDelete: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			return c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}})
		},
		mock.OpDeleteAll: func(ctx context.Context, c ltxstore.ReplicaClient) error { return c.DeleteAll(ctx) },
	}
	for op, do := range ops {
		for _, tt := range []struct {
			err    error
			status codes.Code
		}{{broken, codes.Error}, {ltxstore.ErrStoreNotFound, codes.Error}, {fs.ErrNotExist, codes.Unset}, {context.Canceled, codes.Unset}} {
			next, c, spans := traced(t)
			if op != mock.OpInit {
				_, err := next.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
				require.NoError(t, err)
			}
			require.NoError(t, next.Inject(mock.Fault{Op: op, Err: tt.err}))
			assert.ErrorIs(t, do(t.Context(), c), tt.err, op)
			found := spans.GetSpans()
			require.Len(t, found, 1, op)
			assert.Equal(t, tt.status, found[0].Status.Code, "%s: %v", op, tt.err)
			require.Len(t, found[0].Events, 1, op)
			for _, a := range found[0].Events[0].Attributes {
				assert.NotContains(t, a.Value.AsString(), "hunter2")
			}
			assert.NotContains(t, found[0].Status.Description, "hunter2")
		}
	}
}

func list(ctx context.Context, c ltxstore.ReplicaClient) error {
	files, err := c.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		return err
	}
	for files.Next() {
	}
	return files.Close()
}

func read(ctx context.Context, c ltxstore.ReplicaClient) error {
	rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	if err != nil {
		return err
	}
	_, err = io.ReadAll(rc)
	return errors.Join(err, rc.Close())
}

// What the next client traces is below its operation's span, and that below the
// caller's.
func TestParents(t *testing.T) {
	_, inner, spans := traced(t)
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	c := trace.New(inner, trace.Config{TracerProvider: provider})
	ctx, caller := provider.Tracer("caller").Start(t.Context(), "sync")
	require.NoError(t, c.Init(ctx))
	_, err := c.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("body"))
	require.NoError(t, err)
	require.NoError(t, c.DeleteLTXFiles(ctx, nil))
	require.NoError(t, c.DeleteAll(ctx))
	require.NoError(t, read(ctx, missingIsFine{c}))
	require.NoError(t, list(ctx, c))
	found := spans.GetSpans()
	require.Len(t, found, 12)
	for i := 0; i < len(found); i += 2 {
		assert.Equal(t, found[i+1].SpanContext.SpanID(), found[i].Parent.SpanID(), found[i].Name)
		assert.Equal(t, caller.SpanContext().SpanID(), found[i+1].Parent.SpanID(), found[i].Name)
	}
}

// missingIsFine has no file missing.
type missingIsFine struct{ ltxstore.ReplicaClient }

func (m missingIsFine) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := m.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return rc, err
}

func TestNoNext(t *testing.T) {
	assert.ErrorContains(t, trace.New(nil, trace.Config{TracerProvider: noop.NewTracerProvider()}).DeleteAll(t.Context()), "next is <nil>")
}
