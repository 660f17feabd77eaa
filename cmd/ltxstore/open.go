package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	_ "github.com/ltxstore/ltxstore/file"
	_ "github.com/ltxstore/ltxstore/gcs"
	_ "github.com/ltxstore/ltxstore/mock"
	_ "github.com/ltxstore/ltxstore/s3"
	_ "github.com/ltxstore/ltxstore/wrap/cache"
	_ "github.com/ltxstore/ltxstore/wrap/compress"
	_ "github.com/ltxstore/ltxstore/wrap/crypt"
	_ "github.com/ltxstore/ltxstore/wrap/metrics"
	_ "github.com/ltxstore/ltxstore/wrap/mirror"
	_ "github.com/ltxstore/ltxstore/wrap/readonly"
	_ "github.com/ltxstore/ltxstore/wrap/retry"
	_ "github.com/ltxstore/ltxstore/wrap/throttle"
	_ "github.com/ltxstore/ltxstore/wrap/trace"
	_ "github.com/ltxstore/ltxstore/wrap/verify"
)

// open returns a client of the replica at a URL. Its layout is found out unless
// the URL names it. The caller calls ltxstore.Close.
func (a *app) open(ctx context.Context, url string) (ltxstore.ReplicaClient, error) {
	if !strings.Contains(url, "://") {
		if full, err := filepath.Abs(url); err == nil && !strings.ContainsAny(url, "?") {
			return nil, usagef("%q is no URL: a directory is file://%s", url, filepath.ToSlash(full))
		}
		return nil, usagef("%q is no URL: want one such as s3://bucket/path", ltxstore.Redact(url))
	}
	client, err := ltxstore.OpenSource(ctx, ltxstore.Source{URL: url, Layout: "auto"})
	if err != nil {
		return nil, err
	}
	if setter, ok := ltxstore.As[ltxstore.LoggerSetter](client); ok {
		setter.SetLogger(a.logger())
	}
	return client, nil
}

// localFile returns an error if what should be a file's name is a URL.
func localFile(name, value string) error {
	if scheme, _, ok := strings.Cut(value, ":/"); ok && slices.Contains(ltxstore.Schemes(), strings.ToLower(scheme)) || strings.Contains(value, "://") {
		return usagef("%s is the URL %s: want the path of a file", name, ltxstore.Redact(value))
	}
	return nil
}

// levels are those that a replica may have files on.
func levels() []int {
	all := make([]int, ltxstore.SnapshotLevel+1)
	for i := range all {
		all[i] = i
	}
	return all
}

// nothing is the error of a replica without files: it says where some are, if
// the person has probably meant those.
func (a *app) nothing(ctx context.Context, url string) error {
	text := "there is no LTX file in " + ltxstore.Redact(url)
	if near, what := a.meant(ctx, url); near != "" {
		text += fmt.Sprintf("; there are some in %s%s", ltxstore.Redact(near), what)
	}
	return nothingError(text)
}

// nothingError is an fs.ErrNotExist that does not end in these words.
type nothingError string

func (e nothingError) Error() string        { return string(e) }
func (e nothingError) Is(target error) bool { return target == fs.ErrNotExist }

// meant returns a URL near another at which there is a replica.
func (a *app) meant(ctx context.Context, url string) (near, what string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, candidate := range neighbours(url) {
		client, err := a.open(ctx, candidate)
		if err != nil {
			continue
		}
		found := hasFiles(ctx, client)
		_ = ltxstore.Close(client)
		if !found {
			continue
		}
		if withoutLayout(url) == candidate {
			return candidate, " (another layout)"
		}
		return candidate, ""
	}
	return "", ""
}

func hasFiles(ctx context.Context, client ltxstore.ReplicaClient) bool {
	for _, level := range levels() {
		files, err := client.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return false
		}
		found := files.Next()
		if err := files.Close(); err != nil || found {
			return err == nil && found
		}
	}
	return false
}

// neighbours are the same replica in any layout, the ones that it may be a
// folder of, and on a disk those in its folders.
func neighbours(url string) (found []string) {
	base := withoutLayout(url)
	if base != url {
		found = append(found, base)
	}
	place, query, _ := strings.Cut(base, "?")
	if query != "" {
		query = "?" + query
	}
	scheme, path, _ := strings.Cut(place, "://")
	path = strings.TrimRight(path, "/")
	for range 3 { // a level's folder, "ltx", and the replica
		cut := strings.LastIndexByte(path, '/')
		if cut <= 0 {
			break
		}
		if path = path[:cut]; strings.HasSuffix(path, "/ltx") {
			continue // its folders look like another layout's
		}
		found = append(found, scheme+"://"+path+query)
	}
	if scheme != "file" {
		return found
	}
	_, dir, _ := strings.Cut(place, "://")
	entries, err := os.ReadDir(filepath.FromSlash(dir))
	if err != nil {
		return found
	}
	const most = 10
	for _, entry := range entries {
		if entry.IsDir() && len(found) < most {
			found = append(found, "file://"+strings.TrimRight(dir, "/")+"/"+entry.Name()+query)
		}
	}
	return found
}

// withoutLayout returns a URL that does not name a layout.
func withoutLayout(url string) string {
	place, query, ok := strings.Cut(url, "?")
	if !ok {
		return url
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "layout=") {
			kept = append(kept, pair)
		}
	}
	if len(kept) == 0 {
		return place
	}
	return place + "?" + strings.Join(kept, "&")
}

// with opens the replica at a URL, calls f, and closes it.
func (a *app) with(ctx context.Context, url string, f func(client ltxstore.ReplicaClient) error) error {
	client, err := a.open(ctx, url)
	if err != nil {
		return err
	}
	return errors.Join(f(client), ltxstore.Close(client))
}
