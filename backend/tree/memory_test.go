package tree

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore"
)

// memory is a tree in memory, rooted at root, with faults.
type memory struct {
	*disk
	root     string
	moves    bool // Link moves
	unsized  bool // Create tells nothing
	unpinned bool // Open tells no version
}

// disk is what several trees share.
type disk struct {
	mu       sync.Mutex
	nodes    map[string]node
	serial   int
	requests int64
	log      []string

	down       bool
	lookups    bool
	deletes    func(path string) bool
	cut, stall int64
	before     func(op, path string) error // fails a call before it does anything
	after      func(op, path string) error // loses its answer
}

type node struct {
	dir     bool
	content []byte
	at      time.Time
	version string
}

var errBroken = errors.New("broken")

func newMemory() *memory {
	return &memory{root: "backups/db", disk: &disk{nodes: map[string]node{"backups": {dir: true}}, cut: -1, stall: -1}}
}

func (d *disk) set(change func(*disk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// call does one request.
func (m *memory) call(ctx context.Context, op, p string, do func(p string) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests++
	m.log = append(m.log, op)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case m.down:
		return ltxstore.ErrUnavailable
	}
	if m.before != nil {
		if err := m.before(op, p); err != nil {
			return err
		}
	}
	err := do(path.Join(m.root, p))
	if err == nil && m.after != nil {
		err = m.after(op, p)
	}
	return err
}

func (n node) info() Info {
	if n.dir {
		return Info{Mode: fs.ModeDir}
	}
	return Info{Size: int64(len(n.content)), Modified: n.at}
}

func (m *memory) get(p string) (node, error) {
	n, ok := m.nodes[p]
	if !ok {
		return n, fs.ErrNotExist
	}
	return n, nil
}

func (m *memory) List(ctx context.Context, dir string, visit func(Entry)) error {
	return m.call(ctx, "list", dir, func(p string) error {
		if n, err := m.get(p); err != nil || !n.dir {
			return fs.ErrNotExist
		}
		for name, n := range m.nodes {
			if path.Dir(name) == p {
				visit(Entry{Name: path.Base(name), Info: n.info()})
			}
		}
		return nil
	})
}

func (m *memory) Stat(ctx context.Context, p string) (info Info, err error) {
	err = m.call(ctx, "stat", p, func(p string) error {
		n, err := m.get(p)
		info = n.info()
		return err
	})
	return info, err
}

func (m *memory) Open(ctx context.Context, p string, opts OpenOptions) (c Content, err error) {
	err = m.call(ctx, "open", p, func(p string) error {
		n, err := m.get(p)
		switch {
		case m.lookups:
			return errBroken
		case err != nil || n.dir:
			return fs.ErrNotExist
		case opts.Version != "" && opts.Version != n.version:
			return ErrReplaced
		}
		content := n.content[min(opts.Offset, int64(len(n.content))):]
		if opts.Size > 0 {
			content = content[:min(opts.Size, int64(len(content)))]
		}
		c = Content{Info: n.info(), Version: n.version, Body: &wire{ctx, bytes.NewReader(content), m.cut, m.stall}}
		if m.unpinned {
			c.Version = ""
		}
		return nil
	})
	return c, err
}

// wire is a body that breaks or stalls.
type wire struct {
	ctx        context.Context
	r          io.Reader
	cut, stall int64
}

func (w *wire) Read(p []byte) (int, error) {
	switch {
	case w.ctx.Err() != nil:
		return 0, w.ctx.Err()
	case w.cut == 0:
		return 0, io.ErrUnexpectedEOF
	case w.stall == 0:
		<-w.ctx.Done()
		return 0, w.ctx.Err()
	}
	if left := max(w.cut, w.stall); left > 0 && int64(len(p)) > left {
		p = p[:left]
	}
	n, err := w.r.Read(p)
	if w.cut > 0 {
		w.cut -= int64(n)
	}
	if w.stall > 0 {
		w.stall -= int64(n)
	}
	return n, err
}

func (w *wire) Close() error { return nil }

func (m *memory) Create(ctx context.Context, p string, body *Body) (Info, error) {
	err := m.call(ctx, "create", p, func(p string) error {
		if n, err := m.get(path.Dir(p)); err != nil || !n.dir {
			return fs.ErrNotExist
		}
		if _, err := m.get(p); err == nil {
			return fs.ErrExist
		}
		m.store(p, nil, time.Time{})
		return nil
	})
	if err != nil {
		return Info{}, err
	}
	content, err := io.ReadAll(body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store(path.Join(m.root, p), content, body.Modified)
	if err != nil || m.down {
		return Info{}, errors.Join(err, ltxstore.ErrUnavailable)
	}
	if m.unsized {
		return Info{Size: -1}, ctx.Err()
	}
	return m.nodes[path.Join(m.root, p)].info(), ctx.Err()
}

func (d *disk) store(p string, content []byte, at time.Time) {
	d.serial++
	if at.IsZero() {
		at = time.Now()
	}
	d.nodes[p] = node{content: content, at: at.Truncate(time.Second), version: strconv.Itoa(d.serial)}
}

func (m *memory) move(ctx context.Context, op, from, to string, replace, moves bool) error {
	return m.call(ctx, op, from, func(from string) error {
		n, err := m.get(from)
		if err != nil {
			return err
		}
		to := path.Join(m.root, to)
		if old, err := m.get(to); err == nil && (old.dir || !replace) {
			return fs.ErrExist
		}
		m.nodes[to] = n
		if moves {
			delete(m.nodes, from)
		}
		return nil
	})
}

func (m *memory) Rename(ctx context.Context, from, to string) error {
	return m.move(ctx, "rename", from, to, true, true)
}

func (m *memory) Link(ctx context.Context, from, to string) error {
	return m.move(ctx, "link", from, to, false, m.moves)
}

func (m *memory) Remove(ctx context.Context, p string) error {
	return m.call(ctx, "remove", p, func(p string) error {
		n, err := m.get(p)
		switch {
		case err != nil || n.dir:
			return fs.ErrNotExist
		case m.deletes != nil && m.deletes(p):
			return fs.ErrPermission
		}
		delete(m.nodes, p)
		return nil
	})
}

func (m *memory) MakeDir(ctx context.Context, p string) error {
	return m.call(ctx, "mkdir", p, func(p string) error {
		for ; p != "."; p = path.Dir(p) {
			if n, err := m.get(p); err == nil && !n.dir {
				return fs.ErrExist
			}
			m.nodes[p] = node{dir: true}
		}
		return nil
	})
}

func (m *memory) RemoveDir(ctx context.Context, p string) error {
	return m.call(ctx, "rmdir", p, func(p string) error {
		if n, err := m.get(p); err != nil || !n.dir {
			return fs.ErrNotExist
		}
		for name := range m.nodes {
			if strings.HasPrefix(name, p+"/") {
				return fs.ErrExist
			}
		}
		delete(m.nodes, p)
		return nil
	})
}

func (m *memory) Classify(err error) Failure { return Failure{Kind: KindOf(err)} }

// names returns what is below the root, empty directories with a slash.
func (m *memory) names() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, n := range m.nodes {
		rel, below := strings.CutPrefix(name, m.root+"/")
		if !below {
			continue
		}
		if n.dir {
			rel += "/"
			for other := range m.nodes {
				if strings.HasPrefix(other, name+"/") {
					rel = ""
				}
			}
		}
		if rel != "" {
			names = append(names, rel)
		}
	}
	return names
}
