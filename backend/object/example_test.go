package object_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

// shelf is a Bucket as one writes it for a store of one's own. Here the store is a
// map; a client of a service has the same methods, each of which sends a request.
type shelf struct {
	mu      sync.Mutex
	objects map[string]stored
}

type stored struct {
	content []byte
	at      time.Time
}

func (s stored) object(key string) object.Object {
	return object.Object{Key: key, Size: int64(len(s.content)), Modified: s.at}
}

func (m *shelf) Put(_ context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	content, err := io.ReadAll(body)
	if err != nil {
		return object.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there && opts.IfAbsent {
		return object.Object{}, object.ErrPrecondition
	}
	m.objects[key] = stored{content, time.Now()}
	return m.objects[key].object(key), nil
}

// Get ignores the range, as a store may: Client skips what was not asked for.
func (m *shelf) Get(_ context.Context, key string, _ object.GetOptions) (object.Content, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, there := m.objects[key]
	if !there {
		return object.Content{}, fs.ErrNotExist
	}
	return object.Content{Object: s.object(key), Length: int64(len(s.content)), Body: io.NopCloser(bytes.NewReader(s.content))}, nil
}

func (m *shelf) Head(ctx context.Context, key, _ string) (object.Object, error) {
	content, err := m.Get(ctx, key, object.GetOptions{})
	return content.Object, err
}

func (m *shelf) List(_ context.Context, opts object.ListOptions) (page object.Page, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.objects {
		name, ok := strings.CutPrefix(key, opts.Prefix)
		if folder, _, deeper := strings.Cut(name, "/"); ok && deeper {
			page.Prefixes = append(page.Prefixes, opts.Prefix+folder+"/")
		} else if ok {
			page.Objects = append(page.Objects, s.object(key))
		}
	}
	slices.Sort(page.Prefixes)
	page.Prefixes = slices.Compact(page.Prefixes)
	return page, nil
}

func (m *shelf) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// Classify is the error table. Kinds of package fs need none.
func (m *shelf) Classify(err error) object.Failure {
	return object.Failure{Kind: object.KindOf(err), Size: -1}
}

// An author of a backend writes a Bucket, and gets a whole ReplicaClient.
func Example() {
	c := object.New(object.Config{
		Type:   "shelf",
		Logger: slog.New(slog.DiscardHandler),
		Connect: func(context.Context, *oplog.Logger) (*object.Store, error) {
			keys, err := backend.NewKeys(ltxstore.LayoutDefault, "app.db")
			return &object.Store{
				Bucket: &shelf{objects: map[string]stored{}}, Keys: keys,
				Traits:  object.Traits{Unsorted: true},
				Options: object.Options{UploadThreshold: 1 << 20},
			}, err
		},
	})
	defer c.Close()
	ctx := context.Background()
	if _, err := c.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("content")); err != nil {
		fmt.Println(err)
	}
	r, err := c.OpenLTXFile(ctx, 0, 1, 1, 3, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	fmt.Printf("%s %v\n", b, err)

	_, err = c.OpenLTXFile(ctx, 0, 2, 2, 0, 0)
	fmt.Println(errors.Is(err, fs.ErrNotExist))

	files, err := c.LTXFiles(ctx, 0, 0, false)
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := ltx.SliceFileIterator(files)
	fmt.Println(len(all), all[0].Size, err)
	// Output:
	// te <nil>
	// true
	// 1 7 <nil>
}
