package thirdparty

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// bucket is an object.Bucket and an object.Streamer. Each method is a request.
type bucket struct {
	url   url.URL
	token string
	http  *http.Client
}

func (b *bucket) request(ctx context.Context, method, key string, query url.Values) *http.Request {
	u := b.url
	u.Path += "/" + key
	u.RawQuery = query.Encode()
	return (&http.Request{Method: method, URL: &u, Header: http.Header{"Authorization": {"Bearer " + b.token}}}).WithContext(ctx)
}

// send returns the answer to a request, if it is a success of the store.
func (b *bucket) send(req *http.Request) (*http.Response, error) {
	res, err := b.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode/100 != 2 || res.Header.Get("Kv-Service") == "" {
		res.Body.Close()
		return nil, failed(res)
	}
	return res, nil
}

// decode sends a request and reads the JSON of its answer into v.
func (b *bucket) decode(req *http.Request, v any) error {
	res, err := b.send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(v)
}

// entry is an object in the service's JSON.
type entry struct {
	Key      string            `json:"key"`
	Size     int64             `json:"size"`
	ETag     string            `json:"etag"`
	Modified time.Time         `json:"modified"`
	Metadata map[string]string `json:"metadata"`
}

func (e entry) object() object.Object {
	return object.Object{Key: e.Key, Size: e.Size, Version: e.ETag, Modified: e.Modified, Metadata: e.Metadata}
}

// Put implements object.Bucket.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	return b.put(ctx, key, body, body.Size(), opts)
}

// PutStream implements object.Streamer. A body that is gone cannot be sent
// again, so it does not repeat the request: the caller writes the file again.
func (b *bucket) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, _ object.Retrier) (object.Object, error) {
	return b.put(ctx, key, body, -1, opts)
}

// put sends a body. Its size is -1 if it is not known.
func (b *bucket) put(ctx context.Context, key string, body io.Reader, size int64, opts object.PutOptions) (object.Object, error) {
	req := b.request(ctx, http.MethodPut, key, nil)
	req.Body, req.ContentLength = io.NopCloser(body), size
	if opts.IfAbsent {
		req.Header.Set("If-None-Match", "*")
	}
	for name, value := range opts.Metadata {
		req.Header.Set("Kv-Meta-"+name, value)
	}
	var e entry
	err := b.decode(req, &e)
	return e.object(), err
}

// Get implements object.Bucket.
func (b *bucket) Get(ctx context.Context, key string, opts object.GetOptions) (object.Content, error) {
	return b.get(ctx, http.MethodGet, key, opts)
}

// Head implements object.Bucket.
func (b *bucket) Head(ctx context.Context, key, version string) (object.Object, error) {
	content, err := b.get(ctx, http.MethodHead, key, object.GetOptions{Version: version})
	if err != nil {
		return object.Object{}, err
	}
	return content.Object, content.Body.Close()
}

func (b *bucket) get(ctx context.Context, method, key string, opts object.GetOptions) (object.Content, error) {
	req := b.request(ctx, method, key, nil)
	if r := rangeio.HTTPRange(opts.Offset, opts.Size); r != "" {
		req.Header.Set("Range", r)
	}
	if opts.Version != "" {
		req.Header.Set("If-Match", opts.Version)
	}
	res, err := b.send(req)
	if err != nil {
		return object.Content{}, err
	}
	content := object.Content{Body: res.Body, Length: res.ContentLength}
	content.Key, content.Size, content.Version = key, res.ContentLength, res.Header.Get("ETag")
	content.Modified, _ = http.ParseTime(res.Header.Get("Last-Modified"))
	if res.StatusCode == http.StatusPartialContent { // otherwise it is the whole object
		content.Offset = opts.Offset
		content.Length, content.Size, err = rangeio.CheckContentRange(res.Header.Get("Content-Range"), opts.Offset, opts.Size)
	}
	if err != nil {
		res.Body.Close()
	}
	return content, err
}

// List implements object.Bucket. A page's token is the key that the next one
// starts at.
func (b *bucket) List(ctx context.Context, opts object.ListOptions) (page object.Page, err error) {
	query := url.Values{"prefix": {opts.Prefix}, "start": {max(opts.StartAt, opts.Token)}, "limit": {strconv.Itoa(opts.Limit)}}
	var answer struct {
		Objects  []entry  `json:"objects"`
		Prefixes []string `json:"prefixes"`
		Next     string   `json:"next"`
	}
	if err := b.decode(b.request(ctx, http.MethodGet, "", query), &answer); err != nil {
		return object.Page{}, err
	}
	for _, e := range answer.Objects {
		page.Objects = append(page.Objects, e.object())
	}
	page.Prefixes, page.Next = answer.Prefixes, answer.Next
	return page, nil
}

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error {
	res, err := b.send(b.request(ctx, http.MethodDelete, key, nil))
	if err != nil {
		return err
	}
	return res.Body.Close()
}
