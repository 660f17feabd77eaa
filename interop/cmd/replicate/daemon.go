package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/engine"
)

// daemon is a running ltxstored that replicates one database.
type daemon struct {
	db      string
	hold    io.Closer    // the input of the command that ltxstored runs: when it is closed, both end
	control *http.Client // over ltxstored's socket
	said    *tail
	ended   chan struct{}
	err     error // of its end
}

// settings are the settings of the run in a litestream.yml.
type settings struct {
	replica          string
	layout           ltxstore.Layout
	levels           []time.Duration
	snapshotInterval time.Duration
}

const syncInterval = 100 * time.Millisecond

// startDaemon starts the binary and returns after the first sync. If the database cannot
// be replicated, it returns an error.
func startDaemon(ctx context.Context, binary, db, dir string, cfg settings, log io.Writer) (*daemon, error) {
	file, socket := filepath.Join(dir, "litestream.yml"), filepath.Join(dir, "socket")
	text, err := json.Marshal(cfg.yaml(db, filepath.Join(dir, "state"), socket))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	// The daemon has a process group of its own: Ctrl-C is for us, who ends it.
	// It ends with cat, and cat with us.
	cmd := exec.Command(binary, "-config", file, "-no-expand-env", "-exec", "cat")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	d := &daemon{db: db, said: &tail{log: log}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = d.said, d.said
	if d.hold, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	d.control = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("-ltxstored %s cannot be started: %w: 'make demo' builds it", binary, err)
	}
	go func() {
		d.err = cmd.Wait()
		close(d.ended)
	}()
	if err := d.opened(ctx); err != nil {
		return nil, errors.Join(err, d.Close(context.WithoutCancel(ctx)))
	}
	return d, nil
}

// yaml is the configuration. As JSON it is YAML too.
func (s settings) yaml(db, meta, socket string) map[string]any {
	replica := map[string]any{"layout": s.layout.String(), "sync-interval": syncInterval.String()}
	switch u, err := url.Parse(s.replica); {
	case !isURL(s.replica):
		replica["path"] = s.replica
	case err == nil && u.Scheme == "file": // the URLs of a litestream.yml have no escapes
		replica["path"] = u.Path
		for name, values := range u.Query() {
			replica[name] = values[0]
		}
	default:
		replica["url"] = s.replica
	}
	var levels []map[string]any
	for _, interval := range s.levels {
		levels = append(levels, map[string]any{"interval": interval.String()})
	}
	return map[string]any{
		"socket":       map[string]any{"enabled": true, "path": socket},
		"levels":       levels,
		"snapshot":     map[string]any{"interval": s.snapshotInterval.String()},
		"l0-retention": "24h", // so that any moment of the run can be restored exactly
		"dbs":          []map[string]any{{"path": db, "meta-path": meta, "monitor-interval": syncInterval.String(), "replica": replica}},
	}
}

// opened waits until the daemon listens, and for the first sync.
func (d *daemon) opened(ctx context.Context) error {
	for {
		_, err := d.sync(ctx)
		if err == nil || !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-d.ended:
			return errors.New(d.said.last())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// sync replicates all committed transactions, and returns the last one.
func (d *daemon) sync(ctx context.Context) (ltx.TXID, error) {
	body, err := json.Marshal(map[string]any{"path": d.db, "wait": true})
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://ltxstored/sync", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	return d.ask(request)
}

// replicated returns the last transaction that is in the replica.
func (d *daemon) replicated(ctx context.Context) (ltx.TXID, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ltxstored/txid?path="+url.QueryEscape(d.db), nil)
	if err != nil {
		return 0, err
	}
	return d.ask(request)
}

// ask sends a request to the daemon, and returns the transaction in the
// response.
func (d *daemon) ask(request *http.Request) (ltx.TXID, error) {
	response, err := d.control.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask ltxstored: %w", err)
	}
	defer response.Body.Close()
	var answer struct {
		TXID  uint64 `json:"txid"`
		Error any    `json:"error"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("ask ltxstored: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("ltxstored: %v", answer.Error)
	}
	return ltx.TXID(answer.TXID), nil
}

// Mark records a moment: see engine.MarkBy.
func (d *daemon) Mark(ctx context.Context) (engine.Mark, error) {
	return engine.MarkBy(ctx, d.db, d.sync)
}

// Close replicates the remaining transactions and ends the daemon. A second
// call does nothing.
func (d *daemon) Close(context.Context) error {
	_ = d.hold.Close()
	<-d.ended
	d.control.CloseIdleConnections()
	if d.err != nil {
		return errors.New(d.said.last())
	}
	return nil
}

// tail is a writer that keeps the last line.
type tail struct {
	log  io.Writer
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if n := len(t.text) - 64<<10; n > 0 {
		t.text = t.text[n:]
	}
	if t.log != nil {
		return t.log.Write(p)
	}
	return len(p), nil
}

// last returns the last line. It is read after the process has ended.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return lines[len(lines)-1]
}
