package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"sort"
	"testing"
	"time"

	matrix "github.com/ltxstore/ltxstore/internal/faultmatrix"
	"github.com/ltxstore/ltxstore/internal/httpfault"
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/stretchr/testify/require"
)

func TestProbe(t *testing.T) {
	cutClean := func(n int) httpfault.Effect { // close-delimited, cut
		return func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
			rec := &recorder{header: http.Header{}}
			x.Next.ServeHTTP(rec, r)
			w.Header().Set("Content-Type", "application/xml")
			b := rec.body
			if len(b) > n { b = b[:n] }
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			w.WriteHeader(200)
			w.Write(b)
		}
	}
	effects := map[string]httpfault.Effect{
		"html200":  httpfault.HTML(200),
		"empty200": httpfault.Status(200, nil, ""),
		"text200":  httpfault.Status(200, nil, "ok"),
		"xmldecl200":  httpfault.Status(200, nil, `<?xml version="1.0"?>`),
		"error200 unknown": httpfault.XML(200, "Whatever"),
		"error200 denied": httpfault.XML(200, "AccessDenied"),
		"cut60": cutClean(60),
		"cut200": cutClean(200),
		"204": httpfault.Status(204, nil, ""),
		"500 html": httpfault.HTML(500),
		"302 html": httpfault.HTML(302),
		"404 html": httpfault.HTML(404),
		"416": httpfault.HTML(416),
	}
	var out []string
	for name, row := range faultRows() {
		row.Name = name
		for ename, e := range effects {
			f, err := newFake(row.cfg, row.fake, false)
			require.NoError(t, err)
			f.server.Config.SetKeepAlivesEnabled(false)
			w := f.world(f.client(func(cfg *s3.Config) {
				cfg.Retry = ltxstore.Retry{MaxAttempts: 5, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}
			}))
			for _, times := range []int{1} {
			f.layer.Add(&httpfault.Rule{Match: row.Hit, Skip: row.Skip, Times: times, Do: e})
			f.layer.Reset()
			err = row.do(w, context.Background())
			s := fmt.Sprint(err)
			if len(s) > 230 { s = s[len(s)-230:] }
			out = append(out, fmt.Sprintf("%-26s %-18s %v kind=%v retry=%v err=%s left=%v", name, ename, f.layer.Counts(), ltxstore.KindOf(err), ltxstore.IsRetryable(err), s, f.Uploads(fakeBucket)))
			}
			f.close()
		}
	}
	sort.Strings(out)
	for _, s := range out { fmt.Println(s) }
	_ = matrix.Faults
}

type recorder struct { header http.Header; body []byte }
func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int) {}
func (r *recorder) Write(p []byte) (int, error) { r.body = append(r.body, p...); return len(p), nil }
