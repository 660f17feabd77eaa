package servers

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

const (
	readyIn = 30 * time.Second // far more than any server needs, on a busy machine
	endIn   = 10 * time.Second // from SIGTERM to SIGKILL
	starts  = 3
)

// command describes how to run a server.
type command struct {
	binary string
	args   []string
	env    []string
	dir    string // the process's working folder
	health string // path that answers 200 when the server is ready
}

// start runs a server until the end of the test.
func start(tb testing.TB, name string, withTLS bool, prepare func(address, dir string, cert *certificate) command) *Server {
	tb.Helper()
	var cert *certificate
	s := &Server{Name: name, Region: region, AccessKey: accessKey, SecretKey: secretKey}
	scheme := "http"
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if withTLS {
		cert = newCertificate(tb)
		scheme, s.CABundle = "https", cert.certFile
		transport.TLSClientConfig = &tls.Config{RootCAs: cert.pool, MinVersion: tls.VersionTLS12}
	}
	s.transport = transport
	// Before the process's own clean-up is registered, so that it runs after it.
	tb.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}

	var errs []error
	for range starts { // a port that was free may be taken in between
		address := freeAddress(tb)
		s.Endpoint = scheme + "://" + address
		cmd := prepare(address, tb.TempDir(), cert)
		p, err := cmd.run(tb.Context(), client, s.Endpoint)
		if err == nil {
			tb.Cleanup(func() { p.end(tb) })
			s.api = newAPI(s, client)
			return s
		}
		errs = append(errs, err)
	}
	tb.Fatalf("%s does not start: %v", name, errors.Join(errs...))
	return nil
}

// process is a server that was started.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string        // file with what it printed
	done chan struct{} // closed when it has ended
	err  error         // how; set before done is closed
}

// run starts the server and returns when it is ready.
func (c command) run(ctx context.Context, client *http.Client, endpoint string) (*process, error) {
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	p := &process{name: filepath.Base(c.binary), cmd: exec.Command(c.binary, c.args...), log: log.Name(), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = c.dir, append(os.Environ(), c.env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = withParent()

	started := make(chan error, 1)
	go func() {
		// Linux ends the process with the thread that started it: see
		// withParent.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	if err := p.ready(ctx, client, endpoint+c.health); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w; its log ends with:\n%s", err, p.tail())
	}
	return p, nil
}

// ready returns when the server responds.
func (p *process) ready(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, readyIn)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := healthy(ctx, client, url)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended at once: %v", p.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer within %v: %w", readyIn, err)
		case <-tick.C:
		}
	}
}

func healthy(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// end stops the server, and shows its log if the test has failed. It fails the
// test if the server has already ended.
func (p *process) end(tb testing.TB) {
	select {
	case <-p.done:
		tb.Errorf("%s ended before the test did: %v; its log ends with:\n%s", p.name, p.err, p.tail())
		return
	default:
	}
	p.stop()
	if tb.Failed() {
		tb.Logf("the log of %s ends with:\n%s", p.name, p.tail())
	}
}

// stop terminates the process, and kills it if that takes too long.
func (p *process) stop() {
	// An error means that the process has ended, or that the system lacks the
	// signal.
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err == nil {
		timer := time.NewTimer(endIn)
		defer timer.Stop()
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) tail() []byte {
	out, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return tail(out)
}

// tail returns the end of a program's output, to show why it failed.
func tail(out []byte) []byte {
	const most = 4 << 10
	return bytes.TrimSpace(out[max(0, len(out)-most):])
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func mkdir(tb testing.TB, parent, name string) string {
	tb.Helper()
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return dir
}
