package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

// memory is a bucket in memory, with each of the optional abilities as a type
// of its own around it.
type memory struct {
	mu       sync.Mutex
	objects  map[string]object.Object
	bodies   map[string][]byte
	uploads  map[string]map[int][]byte // by key and ID
	metadata map[string]map[string]string
	serial   int
	requests int64

	page      int
	anonymous bool // writes are answered without the object
	unranged  bool // ranges are ignored
	noBatch   bool
	traits    object.Traits
	faults
}

// faults break a memory.
type faults struct {
	missing    bool // the bucket is not there
	down       bool
	lookups    bool
	lists      bool              // after the first page
	deletes    func(string) bool // the keys that cannot be deleted
	cut, stall int64             // bodies after so many bytes, if not negative
}

var errBroken = errors.New("broken")

func newMemory(traits object.Traits) *memory {
	return &memory{objects: map[string]object.Object{}, bodies: map[string][]byte{},
		uploads: map[string]map[int][]byte{}, metadata: map[string]map[string]string{}, page: 16, traits: traits, faults: faults{cut: -1, stall: -1}}
}

// request begins a request.
func (m *memory) request(ctx context.Context) (unlock func(), err error) {
	m.mu.Lock()
	m.requests++
	err = ctx.Err()
	switch {
	case err != nil:
	case m.down:
		err = ltxstore.ErrUnavailable
	case m.missing:
		err = ltxstore.ErrStoreNotFound
	default:
		return m.mu.Unlock, nil
	}
	m.mu.Unlock()
	return nil, err
}

func (m *memory) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return object.Object{}, err
	}
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Object{}, err
	}
	defer unlock()
	return m.store(key, content, opts.Metadata, opts.IfAbsent)
}

func (m *memory) store(key string, content []byte, metadata map[string]string, ifAbsent bool) (object.Object, error) {
	if _, ok := m.objects[key]; ok && ifAbsent {
		return object.Object{}, object.ErrPrecondition
	}
	m.serial++
	o := object.Object{Key: key, Size: int64(len(content)), Version: strconv.Itoa(m.serial), Modified: time.Now(), Metadata: maps.Clone(metadata)}
	if m.traits.NewHash != nil {
		h := m.traits.NewHash()
		h.Write(content)
		o.Sum = h.Sum(nil)
	}
	m.objects[key], m.bodies[key] = o, content
	if m.anonymous {
		return object.Object{Size: -1}, nil
	}
	return o, nil
}

func (m *memory) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Content{}, err
	}
	defer unlock()
	if m.lookups {
		return object.Content{}, errBroken
	}
	o, ok := m.objects[key]
	switch {
	case !ok:
		return object.Content{}, fs.ErrNotExist
	case opts.Version != "" && opts.Version != o.Version:
		return object.Content{}, object.ErrPrecondition
	case opts.Offset >= o.Size && o.Size > 0:
		return object.Content{}, object.ErrRange
	}
	content := m.bodies[key]
	if !m.unranged {
		content = content[opts.Offset:]
		if opts.Size > 0 && opts.Size < int64(len(content)) {
			content = content[:opts.Size]
		}
	} else {
		opts.Offset = 0
	}
	return object.Content{Object: o, Body: &contextReader{ctx, bytes.NewReader(content), m.cut, m.stall}, Offset: opts.Offset, Length: int64(len(content))}, nil
}

type contextReader struct {
	ctx        context.Context
	r          io.Reader
	cut, stall int64
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	switch {
	case r.cut == 0:
		return 0, io.ErrUnexpectedEOF
	case r.stall == 0:
		<-r.ctx.Done()
		return 0, r.ctx.Err()
	case r.cut > 0:
		p = p[:min(int64(len(p)), r.cut)]
	case r.stall > 0:
		p = p[:min(int64(len(p)), r.stall)]
	}
	n, err := r.r.Read(p)
	if r.cut > 0 {
		r.cut -= int64(n)
	}
	if r.stall > 0 {
		r.stall -= int64(n)
	}
	return n, err
}

func (*contextReader) Close() error { return nil }

func (m *memory) Head(ctx context.Context, key, version string) (object.Object, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Object{}, err
	}
	defer unlock()
	if m.lookups {
		return object.Object{}, errBroken
	}
	o, ok := m.objects[key]
	switch {
	case !ok:
		return object.Object{}, fs.ErrNotExist
	case version != "" && version != o.Version:
		return object.Object{}, object.ErrPrecondition
	}
	return o, nil
}

func (m *memory) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Page{}, err
	}
	defer unlock()
	if m.lists && opts.Token != "" {
		return object.Page{}, errBroken
	}
	entries := map[string]object.Object{}
	for key, o := range m.objects {
		rest, ok := strings.CutPrefix(key, opts.Prefix)
		if !ok || key < opts.StartAt && !m.traits.NoStartAt {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			key, o = opts.Prefix+rest[:i+1], object.Object{}
		}
		if !m.traits.ListsMetadata {
			o.Metadata = nil
		}
		entries[key] = o
	}
	keys := slices.Sorted(maps.Keys(entries))
	if m.traits.Unsorted {
		slices.Reverse(keys)
	}
	if opts.Token != "" {
		keys = slices.DeleteFunc(keys, func(key string) bool {
			return key == opts.Token || (key < opts.Token) != m.traits.Unsorted
		})
	}
	for i, key := range keys {
		if i == m.page {
			page.Next = keys[i-1]
			break
		}
		if strings.HasSuffix(key, "/") {
			page.Prefixes = append(page.Prefixes, key)
		} else {
			page.Objects = append(page.Objects, entries[key])
		}
	}
	return page, nil
}

func (m *memory) Delete(ctx context.Context, key string) error {
	results, err := m.remove(ctx, []string{key})
	if err != nil {
		return err
	}
	return results[key]
}

func (m *memory) DeleteBatch(ctx context.Context, keys []string) (map[string]error, error) {
	if m.noBatch {
		return nil, errors.ErrUnsupported
	}
	return m.remove(ctx, keys)
}

func (m *memory) remove(ctx context.Context, keys []string) (map[string]error, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	results := make(map[string]error, len(keys))
	for _, key := range keys {
		if m.deletes != nil && m.deletes(key) {
			results[key] = fs.ErrPermission
			continue
		}
		results[key] = nil
		delete(m.objects, key)
		delete(m.bodies, key)
	}
	return results, nil
}

func (m *memory) Classify(err error) object.Failure {
	f := object.Failure{Kind: ltxstore.KindOf(err), Size: -1}
	for _, kind := range []error{object.ErrPrecondition, object.ErrRange, object.ErrNoUpload} {
		if errors.Is(err, kind) {
			f.Kind = kind
		}
	}
	return f
}

// parted is a memory that takes uploads in parts.
type parted struct{ *memory }

func (m parted) CreateUpload(ctx context.Context, key string, opts object.PutOptions) (object.Upload, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Upload{}, err
	}
	defer unlock()
	m.serial++
	u := object.Upload{Key: key, ID: strconv.Itoa(m.serial)}
	m.uploads[key+"\x00"+u.ID] = map[int][]byte{}
	m.metadata[u.ID] = opts.Metadata
	return u, nil
}

func (m parted) PutPart(ctx context.Context, u object.Upload, number int, body *object.Body) (object.Part, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return object.Part{}, err
	}
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Part{}, err
	}
	defer unlock()
	parts, ok := m.uploads[u.Key+"\x00"+u.ID]
	if !ok {
		return object.Part{}, object.ErrNoUpload
	}
	parts[number] = content
	return object.Part{Number: number, Size: int64(len(content))}, nil
}

func (m parted) CompleteUpload(ctx context.Context, u object.Upload, parts []object.Part, opts object.PutOptions) (object.Object, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return object.Object{}, err
	}
	defer unlock()
	stored, ok := m.uploads[u.Key+"\x00"+u.ID]
	if !ok {
		return object.Object{}, object.ErrNoUpload
	}
	var content []byte
	for i, part := range parts {
		if part.Number != i+1 {
			return object.Object{}, fmt.Errorf("part %d is in place %d", part.Number, i)
		}
		content = append(content, stored[part.Number]...)
	}
	o, err := m.store(u.Key, content, m.metadata[u.ID], opts.IfAbsent)
	if err == nil {
		delete(m.uploads, u.Key+"\x00"+u.ID)
	}
	return o, err
}

func (m parted) AbortUpload(ctx context.Context, u object.Upload) error {
	unlock, err := m.request(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	delete(m.uploads, u.Key+"\x00"+u.ID)
	return nil
}

func (m parted) UploadRemains(ctx context.Context, u object.Upload) (bool, error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	_, ok := m.uploads[u.Key+"\x00"+u.ID]
	return ok, nil
}

func (m parted) ListUploads(ctx context.Context, prefix, token string) (uploads []object.Upload, next string, err error) {
	unlock, err := m.request(ctx)
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	for name := range m.uploads {
		key, id, _ := strings.Cut(name, "\x00")
		if strings.HasPrefix(key, prefix) {
			uploads = append(uploads, object.Upload{Key: key, ID: id})
		}
	}
	return uploads, "", nil
}

// streamed is a memory that takes a body of unknown length.
type streamed struct{ *memory }

func (m streamed) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return object.Object{}, err
	}
	var done object.Object
	err = retry.Do(ctx, func(ctx context.Context) error {
		unlock, err := m.request(ctx)
		if err != nil {
			return err
		}
		defer unlock()
		done, err = m.store(key, content, opts.Metadata, opts.IfAbsent)
		return err
	})
	return done, err
}

// names returns every key below prefix, relative to it, and the uploads.
func (m *memory) names(prefix string) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.objects {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, rest)
		}
	}
	for upload := range m.uploads {
		key, _, _ := strings.Cut(upload, "\x00")
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, "upload:"+rest)
		}
	}
	return names
}

// set changes the faults.
func (m *memory) set(change func(*faults)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.faults)
}
