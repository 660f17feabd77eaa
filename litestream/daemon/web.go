package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	engine "github.com/benbjohnson/litestream"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serve starts the servers of the configuration.
func (d *Daemon) serve() error {
	if s := d.cfg.Socket; s.Enabled {
		socket := engine.NewServer(d.store)
		socket.SocketPath, socket.SocketPerms = s.Path, uint32(s.Permissions)
		socket.PathExpander, socket.Version = expandHome, d.opts.Version
		if err := socket.Start(); err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		d.socket = socket
	}
	if d.cfg.Addr == "" {
		return nil
	}
	listener, err := net.Listen("tcp", d.cfg.Addr)
	if err != nil {
		return fmt.Errorf("addr: %w", err)
	}
	d.addr = listener.Addr()
	d.web = &http.Server{Handler: d.Handler(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn)}
	d.log.Info("serving metrics, health and status", "url", "http://"+d.addr.String()+"/")
	d.served = make(chan struct{})
	go func() {
		defer close(d.served)
		if err := d.web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("serving failed", "error", err)
		}
	}()
	return nil
}

// Addr returns the address at which the daemon serves, or nil.
func (d *Daemon) Addr() net.Addr { return d.addr }

func (d *Daemon) closeSocket() error {
	if d.socket == nil {
		return nil
	}
	return d.socket.Close()
}

func (d *Daemon) closeWeb() error {
	if d.web == nil {
		return nil
	}
	err := d.web.Close()
	<-d.served
	return err
}

// Handler serves the status page at "/", the same as JSON at "/status", the health
// at "/health", with status 200 if all databases are replicated and 503 otherwise,
// and Prometheus metrics at "/metrics". No page shows secrets.
func (d *Daemon) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.Handler())
	mux.HandleFunc("GET /health", d.serveHealth)
	mux.HandleFunc("GET /status", d.serveStatus)
	mux.HandleFunc("GET /{$}", d.servePage)
	return mux
}

func (d *Daemon) serveHealth(w http.ResponseWriter, _ *http.Request) {
	problems := map[string][]string{}
	status := d.Status()
	for _, db := range status.Databases {
		if !db.Healthy {
			problems[db.Path] = db.Problems
		}
	}
	code := http.StatusOK
	if !status.Healthy {
		code = http.StatusServiceUnavailable
	}
	d.answer(w, code, map[string]any{"healthy": status.Healthy, "problems": problems})
}

func (d *Daemon) serveStatus(w http.ResponseWriter, r *http.Request) {
	d.answer(w, http.StatusOK, d.refreshed(r.Context()))
}

func (d *Daemon) answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(body) // the client may be gone
}

// refreshed returns Status with updated windows, unless updating takes too long.
func (d *Daemon) refreshed(ctx context.Context) Status {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d.refresh(ctx)
	return d.Status()
}

func (d *Daemon) servePage(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	if err := d.page.Execute(w, d.refreshed(r.Context()).forPage()); err != nil {
		d.log.Debug("status page not sent", "error", err)
	}
}
