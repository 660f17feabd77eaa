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
// deleted, and no longer have what was replaced.
func TestListOfACopyThatLagsBehind(t *testing.T) {
	for name, lastSeq := range map[string]int{"the leader has a later message": 1 << 40, "the leader has none": 0} {
		t.Run(name, func(t *testing.T) { listOfACopy(t, lastSeq) })
	}
}

func listOfACopy(t *testing.T, lastSeq int) {
	f, c := serve(t, nats.Config{})
	another := f.client(nil)
	defer another.Close()
	stranger := f.client(func(cfg *nats.Config) { cfg.Path = "backups/other" })
	defer stranger.Close()
	for txid := ltx.TXID(1); txid <= 5; txid++ {
		write(t, another, txid, body(t, txid, int(txid)))
	}
	write(t, stranger, 1, body(t, 1, 1))
	write(t, another, 6, body(t, 6, 6))
	strangers := "$O." + f.bucket + ".M." + encode("backups/other/"+f.keys().File(0, 1, 1))
	stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
	require.NoError(t, err)
	replaced, err := stream.GetLastMsgForSubject(t.Context(), f.subject(3))
	require.NoError(t, err)
	var asked []string
	f.copied(t, func(subject, payload string) string {
		switch {
		case strings.Contains(payload, "subjects_filter"): // 2 was deleted, and the copy has it
			assert.Contains(t, payload, ".M.")
			subjects := map[string]int{strangers: 1}
			for _, txid := range []ltx.TXID{1, 3, 4, 5, 6} {
				subjects[f.subject(txid)] = 1
			}
			text, err := json.Marshal(subjects)
			assert.NoError(t, err)
			return fmt.Sprintf(`{"total":%d,"config":{"name":"OBJ_%s","num_replicas":3},"state":{"last_seq":%d,"subjects":%s}}`, len(subjects), f.bucket, lastSeq, text)
		case strings.HasPrefix(subject, "$JS.API.CONSUMER.CREATE."): // the copy has no 3, which was replaced, and 4 will be deleted
			assert.Contains(t, payload, `"mem_storage":true`, "a listing writes nothing to the server's disk")
			for _, gone := range []string{f.subject(3), f.subject(4), strangers} {
				assert.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject(gone)))
			}
		case strings.HasPrefix(subject, "$JS.API.STREAM.MSG.GET."):
			if len(asked) == 0 {
				_, err := f.js.Publish(t.Context(), f.subject(3), replaced.Data)
				assert.NoError(t, err)
			}
			asked = append(asked, payload)
		}
		return ""
	})
	files := list(t, c)
	require.Len(t, files, 4)
	for i, txid := range []ltx.TXID{1, 3, 5, 6} {
		assert.Equal(t, txid, files[i].MinTXID)
		assert.EqualValues(t, len(body(t, txid, int(txid))), files[i].Size)
	}
	switch missing := []string{f.subject(3), f.subject(4), strangers}; lastSeq {
	case 0:
		assert.Len(t, asked, len(missing), "no other is missing")
	default:
		assert.Len(t, asked, 4, "3 follows, none follows, and 4 and the stranger's are missing")
	}
}

// Where the leader does not tell what there is, a listing fails.
func TestListOfACopyWithoutTheLeader(t *testing.T) {
	for name, refused := range map[string]func(f *service, subject, payload string) bool{
		"subjects": func(_ *service, _, payload string) bool { return strings.Contains(payload, "subjects_filter") },
		"a file":   func(f *service, _, payload string) bool { return strings.Contains(payload, f.subject(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, another := serve(t, nats.Config{})
			for txid := ltx.TXID(1); txid <= 3; txid++ {
				write(t, another, txid, body(t, txid, 1))
			}
			c := f.client(func(cfg *nats.Config) { cfg.Retry.MaxAttempts = 1 })
			defer c.Close()
			stream, err := f.js.Stream(t.Context(), "OBJ_"+f.bucket)
			require.NoError(t, err)
			f.copied(t, func(subject, payload string) string {
				if strings.HasPrefix(subject, "$JS.API.CONSUMER.CREATE.") {
					assert.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject(f.subject(2))))
				}
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
