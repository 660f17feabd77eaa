package s3

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// TestSettle: what is sent after a conditional write has failed. A body is
// sent again only when the object is known, or cannot be known, not to be
// there.
func TestSettle(t *testing.T) {
	content := plainBody(5000)
	other := bytes.Repeat([]byte("o"), len(content))
	always := func(operation string, do httpfault.Effect) *httpfault.Rule {
		return &httpfault.Rule{Match: httpfault.Match{Operation: operation}, Times: -1, Do: do}
	}
	times := func(n int, do httpfault.Effect) *httpfault.Rule {
		return &httpfault.Rule{Match: httpfault.Match{Operation: "PutObject"}, Times: n, Do: do}
	}
	type sent = map[string]int
	for _, test := range []struct {
		name   string
		stored []byte // before
		rules  []*httpfault.Rule
		want   error
		sent   sent
	}{
		{"refused by a reset, other size", other[:9], []*httpfault.Rule{always("PutObject", httpfault.Reset())}, fs.ErrExist,
			sent{"PutObject": 1, "HeadObject": 1}},
		{"refused by a reset, other content", other, []*httpfault.Rule{always("PutObject", httpfault.Reset())}, fs.ErrExist,
			sent{"PutObject": 1, "HeadObject": 1, "GetObject": 1}},
		{"refused by a reset, same content", content, []*httpfault.Rule{always("PutObject", httpfault.Reset())}, nil,
			sent{"PutObject": 1, "HeadObject": 1, "GetObject": 1}},
		{"refused by a closed connection", other, []*httpfault.Rule{always("PutObject", httpfault.Refuse())}, fs.ErrExist,
			sent{"PutObject": 1, "HeadObject": 1, "GetObject": 1}},
		{"failed, other content", other, []*httpfault.Rule{always("PutObject", httpfault.XML(500, "InternalError"))}, fs.ErrExist,
			sent{"PutObject": 1, "HeadObject": 1, "GetObject": 1}},
		{"lost answer", nil, []*httpfault.Rule{times(1, httpfault.LoseAnswer())}, nil,
			sent{"PutObject": 1, "HeadObject": 1, "GetObject": 1}},
		{"reset, absent", nil, []*httpfault.Rule{times(2, httpfault.Reset())}, nil,
			sent{"PutObject": 3, "HeadObject": 2, "GetObject": 2}},
		{"reset for ever, absent", nil, []*httpfault.Rule{always("PutObject", httpfault.Reset())}, ltxstore.ErrUnavailable,
			sent{"PutObject": 4, "HeadObject": 4, "GetObject": 4}},
		{"outage", other, []*httpfault.Rule{always("", httpfault.Refuse())}, ltxstore.ErrUnavailable,
			sent{"PutObject": 4, "HeadObject": 4}},
		{"may not look, reset", nil, []*httpfault.Rule{always("HeadObject", httpfault.Status(403, nil, "")), times(2, httpfault.Reset())}, nil,
			sent{"PutObject": 3, "HeadObject": 2}},
		{"throttled", nil, []*httpfault.Rule{times(3, httpfault.XML(503, "SlowDown"))}, nil,
			sent{"PutObject": 4}},
		{"throttled for ever", nil, []*httpfault.Rule{always("PutObject", httpfault.Throttle(0))}, ltxstore.ErrThrottled,
			sent{"PutObject": 4}},
		{"clear", nil, []*httpfault.Rule{always("PutObject", httpfault.XML(403, "AccessDenied"))}, fs.ErrPermission,
			sent{"PutObject": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWriteBench(t, s3fake.Options{}, writeOnce)
			if test.stored != nil {
				w.server.Put("bucket", writeKey, test.stored)
			}
			w.faults.Add(test.rules...)
			_, err := w.write(t, bytes.NewReader(content))
			require.ErrorIs(t, err, test.want)
			if test.want == fs.ErrExist {
				assert.False(t, ltxstore.IsRetryable(err))
			}
			assert.Equal(t, test.sent, w.faults.Counts())
			assert.Zero(t, w.faults.Unused())
			switch {
			case test.stored != nil:
				w.holds(t, test.stored)
			case test.want == nil:
				w.holds(t, content)
			default:
				w.nothing(t)
			}
		})
	}
}

// A completion is settled as a write of one request is, and the upload that it
// was of does not stay.
func TestSettleCompletion(t *testing.T) {
	content := plainBody(3 * writePart)
	w := newWriteBench(t, s3fake.Options{}, writeOnce)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: httpfault.Reset()})
	_, err := w.write(t, bytes.NewReader(content))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"CreateMultipartUpload": 1, "UploadPart": 3, "CompleteMultipartUpload": 2, "HeadObject": 1, "GetObject": 1}, w.faults.Counts())
	w.holds(t, content)

	w = newWriteBench(t, s3fake.Options{}, writeOnce)
	w.server.Put("bucket", writeKey, []byte("x"))
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Times: -1, Do: httpfault.Reset()})
	_, err = w.write(t, bytes.NewReader(content))
	require.ErrorIs(t, err, fs.ErrExist)
	counts := w.faults.Counts()
	assert.Equal(t, 1, counts["CompleteMultipartUpload"])
	assert.Equal(t, 1, counts["HeadObject"])
	w.holds(t, []byte("x"))
}
