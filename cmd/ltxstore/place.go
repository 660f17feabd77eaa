package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// place is a URL split into its parts, so that commands can look around it
// for the replica that the user may have meant.
type place struct {
	scheme, path string // "s3", "bucket/db"
	query        string // with its question mark, without the layout

	of *ltxstore.Source // from a configuration file; it may contain secrets
}

// place returns the place of a target.
func (t target) place() place {
	p := placeOf(t.url)
	if t.replica != nil {
		p.of = &t.src
	}
	return p
}

// layout returns the layout that the command line or the configuration names, or the
// empty string.
func (t target) layout() string {
	if t.replica == nil {
		return namedLayout(t.url)
	}
	if layout := t.replica.Place().Layout; layout != "auto" {
		return layout
	}
	return ""
}

func placeOf(raw string) place {
	at, query, _ := strings.Cut(raw, "?")
	scheme, at, _ := strings.Cut(at, "://")
	p := place{scheme: scheme, path: at}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		switch key, value, _ := strings.Cut(pair, "="); {
		case key == "path":
			p.path += "/" + value
		case key != "layout" && pair != "":
			kept = append(kept, pair)
		}
	}
	p.path = clean(p.path)
	if len(kept) > 0 {
		p.query = "?" + strings.Join(kept, "&")
	}
	return p
}

// clean returns the normal form of a path.
func clean(at string) string {
	host, below, ok := strings.Cut(at, "/")
	if !ok {
		return at
	}
	return host + strings.TrimRight(path.Clean("/"+below), "/")
}

func (p place) String() string { return p.scheme + "://" + p.path + p.query }

// parent returns the place above p, and the name of p in it.
func (p place) parent() (up place, name string, ok bool) {
	cut := strings.LastIndexByte(p.path, '/')
	if cut <= 0 { // a bucket, or a directory in the root, is not a folder of a replica
		return p, "", false
	}
	name = p.path[cut+1:]
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	p.path, p.of = p.path[:cut], nil
	return p, name, true
}

func (p place) child(name string) place {
	p.path, p.of = p.path+"/"+url.PathEscape(name), nil
	return p
}

// source returns a source of the replica with a layout.
func (p place) source(layout string) ltxstore.Source {
	src := ltxstore.Source{URL: p.String()}
	if p.of != nil {
		src = *p.of
	}
	isLayout := func(key, _ string) bool { return key == "layout" }
	src.Settings, src.Defaults = maps.Clone(src.Settings), maps.Clone(src.Defaults)
	maps.DeleteFunc(src.Settings, isLayout)
	maps.DeleteFunc(src.Defaults, isLayout)
	at, query, _ := strings.Cut(src.URL, "?")
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool { return strings.HasPrefix(part, "layout=") })
	src.URL, src.Layout = strings.TrimSuffix(at+"?"+strings.Join(kept, "&"), "?"), layout
	return src
}

// store returns a client of the store with a layout, without wrappers, because these do
// not change names.
func (p place) store(ctx context.Context, layout string) (ltxstore.ReplicaClient, error) {
	client, err := ltxstore.OpenSource(ctx, p.source(layout))
	for {
		wrapper, ok := client.(interface{ Unwrap() ltxstore.ReplicaClient })
		if !ok {
			return client, err
		}
		client = wrapper.Unwrap()
	}
}

// layoutOf returns the layout of the files.
func (p place) layoutOf(ctx context.Context) (layout ltxstore.Layout, found bool, err error) {
	return ltxstore.FindLayout(ctx, func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
		return p.store(ctx, layout.String())
	})
}

// folders returns the names of the folders at p. ok is false if the store
// cannot list them.
func (p place) folders(ctx context.Context) (names []string, ok bool) {
	client, err := p.store(ctx, "default")
	if err != nil {
		return nil, false
	}
	defer ltxstore.Close(client)
	lister, ok := ltxstore.As[backend.FolderLister](client)
	if !ok {
		return nil, false
	}
	names, err = lister.Folders(ctx)
	return names, err == nil
}

// holds reports whether there is a replica at p, and its layout. If there is
// none, it costs one request.
func (p place) holds(ctx context.Context) (layout ltxstore.Layout, found bool) {
	if names, ok := p.folders(ctx); ok && !looksLikeReplica(names) {
		return 0, false
	}
	layout, found, err := p.layoutOf(ctx)
	return layout, found && err == nil
}

// namedLayout returns the layout that a URL names, or the empty string.
func namedLayout(raw string) string {
	_, query, _ := strings.Cut(raw, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == "layout" && value != "auto" {
			return value
		}
	}
	return ""
}

// layoutAt returns the layout that a URL names, or else that of its files.
func layoutAt(ctx context.Context, at target) (name string, found bool, err error) {
	if name = at.layout(); name != "" {
		return name, true, nil
	}
	layout, found, err := at.place().layoutOf(ctx)
	return layout.String(), found, err
}

// The names of the folders of levels.
var (
	isDecimal = regexp.MustCompile(`^(0|[1-9][0-9]{0,3})$`)
	isPadded  = regexp.MustCompile(`^[0-9]{4}$`)
	isHex     = regexp.MustCompile(`^[0-9a-f]{4}$`)
)

// looksLikeReplica reports whether the folders may be those of a replica.
func looksLikeReplica(folders []string) bool {
	return slices.Contains(folders, "ltx") || slices.Contains(folders, "snapshots") || slices.ContainsFunc(folders, isHex.MatchString)
}

// encloser is a place that may be a replica which has the given place as a
// folder, and the layouts in which that is so.
type encloser struct {
	place
	layouts []ltxstore.Layout
}

// real returns p with symbolic links resolved: a link may have another name than the
// directory has in its replica.
func (p place) real() place {
	if !strings.EqualFold(p.scheme, "file") {
		return p
	}
	name, err := url.PathUnescape(p.path)
	if err == nil {
		name, err = filepath.EvalSymlinks(filepath.FromSlash(name))
	}
	if err == nil {
		p.path, p.of = (&url.URL{Path: filepath.ToSlash(name)}).EscapedPath(), nil
	}
	return p
}

// enclosers returns the possible enclosers of p, the highest first. It uses only the
// name of p, and sends no request.
func (p place) enclosers() (found []encloser) {
	up, name, ok := p.parent()
	if !ok {
		return nil
	}
	above, holder, ok := up.parent()
	add := func(at place, layouts ...ltxstore.Layout) { found = append(found, encloser{at, layouts}) }
	switch {
	case name == "ltx":
		add(up, ltxstore.LayoutDefault, ltxstore.LayoutLitestream)
	case name == "snapshots":
		add(up, ltxstore.LayoutDefault)
	case ok && holder == "ltx" && isPadded.MatchString(name):
		add(above, ltxstore.LayoutDefault)
	case ok && holder == "ltx" && isDecimal.MatchString(name):
		add(above, ltxstore.LayoutLitestream)
	}
	if isHex.MatchString(name) {
		add(up, ltxstore.LayoutLitestreamS3)
	}
	return found
}

// within returns an error if a URL names a folder within a replica. The
// folder ltx/0000 of one layout looks like 0000 of another, so that part of a
// replica could be mistaken for a whole one. A URL with a layout is not
// checked.
func within(ctx context.Context, at target) error {
	if at.layout() != "" || at.replica != nil {
		return nil
	}
	p := at.place().real()
	for _, up := range p.enclosers() {
		layout, found := up.holds(ctx)
		if !found || !slices.Contains(up.layouts, layout) {
			continue // an error there says nothing about this place
		}
		if layout == ltxstore.LayoutDefault && up.child("ltx").hasSnapshots(ctx) {
			continue // ltx contains a replica of its own
		}
		return fmt.Errorf("%s is a folder of the replica %s (layout %s): use that URL, or layout=… in this one if it is itself a replica",
			at, ltxstore.Redact(up.String()), layout)
	}
	return nil
}

// above returns an error if what looks like a replica in the default layout
// is one in Litestream's layout for S3, in a folder named ltx: only that has
// a level 0009.
func above(ctx context.Context, at target) error {
	p := at.place()
	if at.layout() != "" || at.replica != nil || !p.child("ltx").hasSnapshots(ctx) {
		return nil
	}
	return fmt.Errorf("%s has a replica in its folder ltx (layout litestream-s3): use %s, or layout=… in this URL",
		at, ltxstore.Redact(p.child("ltx").String()))
}

// hasSnapshots reports whether there is a level 9 in Litestream's layout for S3.
func (p place) hasSnapshots(ctx context.Context) bool {
	client, err := p.store(ctx, ltxstore.LayoutLitestreamS3.String())
	if err != nil {
		return false
	}
	defer ltxstore.Close(client)
	has, err := hasFiles(ctx, client, []int{ltxstore.SnapshotLevel})
	return err == nil && has
}

// hasAny reports whether a replica has a file on any level.
func hasAny(ctx context.Context, client ltxstore.ReplicaClient) (bool, error) {
	levels, err := levelsOf(ctx, client)
	if err != nil {
		return false, err
	}
	return hasFiles(ctx, client, levels)
}

func hasFiles(ctx context.Context, client ltxstore.ReplicaClient, levels []int) (bool, error) {
	for _, level := range levels {
		files, err := client.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return false, err
		}
		found := files.Next()
		if err := files.Close(); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// nothing returns the error for a replica without files. It suggests where
// the files may be.
func (a *app) nothing(ctx context.Context, at target) error {
	text := "no LTX files in " + at.String()
	if near := meant(ctx, at); near != "" {
		text += "; " + near
	}
	return nothingError(text)
}

// nothingError is an fs.ErrNotExist whose text does not say "file does not
// exist".
type nothingError string

func (e nothingError) Error() string        { return string(e) }
func (e nothingError) Is(target error) bool { return target == fs.ErrNotExist }

const ofVersion3 = "there is a replica of Litestream 0.3 (generations/)%s without LTX files: ls, restore and cp can read it"

// meant returns a hint about replicas near a place that has none. It costs at
// most ten requests: one for the folders of each of a few places, and those
// that find the layout of the first place that looks like a replica.
func meant(ctx context.Context, at target) string {
	p := at.place()
	here, _ := p.folders(ctx)
	if slices.Contains(here, "generations") {
		return fmt.Sprintf(ofVersion3, "")
	}
	if at.replica != nil && !looksLikeReplica(here) {
		return ""
	}
	if (at.layout() != "" || at.replica != nil) && looksLikeReplica(here) {
		if layout, found, err := p.layoutOf(ctx); err == nil && found {
			return fmt.Sprintf("there are some in %s (another layout: %s)", ltxstore.Redact(p.String()), layout)
		}
		return ""
	}
	for _, near := range p.near(here) {
		names, _ := near.folders(ctx)
		if slices.Contains(names, "generations") {
			return fmt.Sprintf(ofVersion3, " in "+ltxstore.Redact(near.String()))
		}
		if !looksLikeReplica(names) {
			continue
		}
		if layout, found, err := near.layoutOf(ctx); err == nil && found {
			return fmt.Sprintf("there are some in %s (layout %s)", ltxstore.Redact(near.String()), layout)
		}
		return ""
	}
	return ""
}

// near returns a few places, the likeliest first: places that may have p as a
// folder, the place above, and the places in it.
func (p place) near(folders []string) (found []place) {
	const most = 4
	for _, up := range p.enclosers() {
		found = append(found, up.place)
	}
	if up, _, ok := p.parent(); ok && !slices.Contains(found, up) {
		if above, name, ok := up.parent(); ok && name == "generations" {
			up = above // p is a generation of Litestream 0.3
		}
		found = append(found, up)
	}
	for _, name := range folders {
		found = append(found, p.child(name))
	}
	return found[:min(len(found), most)]
}
