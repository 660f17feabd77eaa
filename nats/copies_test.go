package nats_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/nats"
)

// copied makes the server say that the bucket has copies, and calls do before each
// request. An answer of do is the server's; it may be empty.
func (f *service) copied(t *testing.T, do func(subject, payload string) (answer string)) {
	f.set(func() {
		f.answer = func(subject string, payload []byte) (string, string, bool) {
			if answer := do(subject, string(payload)); answer != "" {
				return "", answer, true
			}
			if !strings.HasPrefix(subject, "$JS.API.STREAM.INFO.") {
				return "", "", false
			}
			info, err := f.direct.Request(subject, bytes.TrimSpace(payload), time.Minute)
			if !assert.NoError(t, err) {
				return "", refusal, true
			}
			return "", strings.Replace(string(info.Data), `"num_replicas":1`, `"num_replicas":3`, 1), true
		}
	})
}

// The leader tells what a listing has. The server that reads it may still have what was
// deleted, and not have yet what was replaced.
func TestListOfACopyThatLagsBehind(t *testing.T) {
	f, c := serve(t, nats.Config{})
	another := f.client(nil)
	defer another.Close()
	for txid := ltx.TXID(1); txid <= 6; txid++ {
		write(t, another, txid, body(t, txid, int(txid)))
	}
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	replaced, err := stream.GetLastMsgForSubject(t.Context(), f.subject(3))
	require.NoError(t, err)
	first, asked := true, 0
	f.copied(t, func(subject, payload string) string {
		switch {
		case strings.Contains(payload, "subjects_filter"): // 2 was deleted, and the copy has it
			assert.Contains(t, payload, ".M.")
			subjects := map[string]int{}
			for _, txid := range []ltx.TXID{1, 3, 4, 5, 6} {
				subjects[f.subject(txid)] = 1
			}
			text, err := json.Marshal(subjects)
			assert.NoError(t, err)
			return fmt.Sprintf(`{"total":%d,"config":{"name":"OBJ_%s","num_replicas":3,"allow_direct":true},"state":{"subjects":%s}}`, len(subjects), f.bucket, text)
		case strings.HasPrefix(subject, "$JS.API.DIRECT.GET.") && first: // the copy has no 3, which was replaced, and 4 was deleted since
			first = false
			for _, txid := range []ltx.TXID{3, 4} {
				assert.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject(f.subject(txid))))
			}
		case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET."):
			if asked++; asked == 1 {
				_, err := f.js.Publish(t.Context(), f.subject(3), replaced.Data)
				assert.NoError(t, err)
			}
		}
		return ""
	})
	files := list(t, c)
	require.Len(t, files, 4)
	for i, txid := range []ltx.TXID{1, 3, 5, 6} {
		assert.Equal(t, txid, files[i].MinTXID)
		assert.EqualValues(t, len(body(t, txid, int(txid))), files[i].Size)
	}
	assert.Equal(t, 2, asked, "3 follows, and then none")
}

// Where the leader does not tell what there is, a listing fails.
func TestListOfACopyWithoutTheLeader(t *testing.T) {
	for name, refused := range map[string]func(f *service, subject, payload string) bool{
		"subjects": func(_ *service, _, payload string) bool { return strings.Contains(payload, "subjects_filter") },
		"files":    func(_ *service, subject, _ string) bool { return strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET.") },
	} {
		t.Run(name, func(t *testing.T) {
			f, another := serve(t, nats.Config{})
			for txid := ltx.TXID(1); txid <= 3; txid++ {
				write(t, another, txid, body(t, txid, 1))
			}
			c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
			defer c.Close()
			f.copied(t, func(subject, payload string) string {
				if refused(f, subject, payload) {
					return refusal
				}
				return ""
			})
			it, err := c.LTXFiles(t.Context(), 0, 0, false)
			if err == nil {
				assert.False(t, it.Next())
				err = it.Close()
			}
			require.ErrorContains(t, err, "injected failure")
		})
	}
}
