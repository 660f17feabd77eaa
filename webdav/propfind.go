package webdav

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
)

const propfindBody = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>`

const (
	// maxListing is more than the answer to a PROPFIND of a level with a million
	// files has, and maxResponse more than its part about one of them, which is
	// read into memory.
	maxListing  = 2 << 30
	maxResponse = 64 << 10
)

var errTooLong = fmt.Errorf("%w: PROPFIND answered with more than a listing has", ltxstore.ErrUnavailable)

// response is an element of a multistatus answer (RFC 4918, section 14.24).
type response struct {
	Href     string `xml:"DAV: href"`
	Status   string `xml:"DAV: status"` // instead of properties
	PropStat []struct {
		Status string `xml:"DAV: status"`
		Prop   struct {
			Collection *struct{} `xml:"DAV: resourcetype>collection"`
			Length     string    `xml:"DAV: getcontentlength"`
			Modified   string    `xml:"DAV: getlastmodified"`
		} `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

// info returns the properties of one file or collection. The size of a file is -1
// if there is none. Without any property, it returns the error of their status.
func (r *response) info() (info tree.Info, err error) {
	code := codeOf(r.Status)
	info.Size = -1
	for _, p := range r.PropStat {
		if got := codeOf(p.Status); got != http.StatusOK {
			code = cmp.Or(code, got)
			continue
		}
		code = http.StatusOK
		if p.Prop.Collection != nil {
			info.Mode, info.Size = fs.ModeDir, 0
		}
		if p.Prop.Length != "" && info.Mode == 0 {
			if info.Size, err = strconv.ParseInt(p.Prop.Length, 10, 64); err != nil || info.Size < 0 {
				return info, fmt.Errorf("PROPFIND answered with the size %q of %s: want a number", p.Prop.Length, r.Href)
			}
		}
		if p.Prop.Modified != "" {
			if info.Modified, err = http.ParseTime(p.Prop.Modified); err != nil {
				return info, fmt.Errorf("PROPFIND answered with the time %q of %s: want a date of HTTP", p.Prop.Modified, r.Href)
			}
		}
	}
	if code != http.StatusOK {
		return info, fmt.Errorf("%s: %w", r.Href, &statusError{"PROPFIND", code, nil})
	}
	return info, nil
}

// codeOf returns the code in a status line, 0 if there is none.
func codeOf(line string) (code int) {
	if fields := strings.Fields(line); len(fields) > 1 {
		code, _ = strconv.Atoi(fields[1])
	}
	return code
}

// propfind asks for a file or collection, and with depth 1 for what is in it.
// visit is given each path as the server has it, without a slash at the end. An
// answer without the file or collection itself is about something else: a proxy
// has changed the path, say.
func (s *server) propfind(ctx context.Context, at *url.URL, depth string, visit func(path string, info tree.Info) error) error {
	answer, err := s.send(ctx, "PROPFIND", at, http.Header{"Depth": {depth}, "Content-Type": {"application/xml"}},
		strings.NewReader(propfindBody), int64(len(propfindBody)))
	if err != nil {
		return err
	}
	defer drain(answer.Body)
	if answer.StatusCode != http.StatusMultiStatus {
		return &statusError{"PROPFIND", answer.StatusCode, answer.Header}
	}
	self, found := path.Clean(at.Path), false
	err = multistatus(transport.Bound(answer.Body, maxListing, errTooLong), func(p string, r *response) error {
		info, err := r.info()
		switch {
		case p == self:
			found = true
		case statusOf(err) == http.StatusNotFound: // it was deleted meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		return visit(p, info)
	})
	if err == nil && !found {
		err = transport.Foreign("PROPFIND of %s answered without it", self)
	}
	return err
}

// multistatus calls visit for each response in an answer.
func multistatus(answer io.Reader, visit func(path string, r *response) error) error {
	part := &io.LimitedReader{R: answer}
	d := xml.NewDecoder(part)
	for inside := false; ; {
		part.N = maxResponse
		token, err := d.Token()
		switch e := token.(type) {
		case xml.EndElement: // of the root
			return ended(d)
		case xml.StartElement:
			if !inside {
				if e.Name != (xml.Name{Space: "DAV:", Local: "multistatus"}) {
					return fmt.Errorf("PROPFIND answered with an element %s: want a multistatus", e.Name.Local)
				}
				inside = true
				continue
			}
			var r response
			if err = d.DecodeElement(&r, &e); err != nil || e.Name.Local != "response" {
				break
			}
			href, err := url.Parse(r.Href)
			if err != nil {
				return fmt.Errorf("PROPFIND answered with an href that is not a URL: %w", err)
			}
			if err := visit(path.Clean(href.Path), &r); err != nil {
				return err
			}
		}
		switch {
		case err != nil && part.N == 0:
			return errTooLong
		case err == io.EOF:
			return fmt.Errorf("PROPFIND answered without a multistatus: %w", io.ErrUnexpectedEOF)
		case err != nil:
			return fmt.Errorf("PROPFIND's answer cannot be read: %w", err)
		}
	}
}

// ended returns an error if something follows the root: golang.org/x/net closes
// the root and then reports that it could not list everything.
func ended(d *xml.Decoder) error {
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if text, ok := token.(xml.CharData); err != nil || ok && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("PROPFIND's answer has text after its end, which is how a server tells that it failed: %w", ltxstore.ErrUnavailable)
		}
	}
}

func (s *server) List(ctx context.Context, dir string, visit func(tree.Entry)) error {
	at := s.dir(dir)
	self := path.Clean(at.Path)
	err := s.propfind(ctx, at, "1", func(p string, info tree.Info) error {
		name := path.Base(p)
		if path.Dir(p) != self || p == self {
			return nil
		}
		if _, _, isLTX := backend.ParseFilename(name); isLTX && info.Size < 0 {
			return fmt.Errorf("PROPFIND answered without the size of %s", p)
		}
		visit(tree.Entry{Name: name, Info: info})
		return nil
	})
	return s.confirm(ctx, at, err)
}

func (s *server) Stat(ctx context.Context, p string) (info tree.Info, err error) {
	info, err = s.stat(ctx, p)
	return info, s.confirm(ctx, s.at(p), err)
}

// stat is Stat for what may be missing without harm.
func (s *server) stat(ctx context.Context, p string) (info tree.Info, err error) {
	info, err = s.properties(ctx, s.at(p))
	if p == "" || statusOf(err)/100 == 3 { // as a collection without its slash is answered
		return s.properties(ctx, s.dir(p))
	}
	return info, err
}

// properties asks for the properties of one file or collection.
func (s *server) properties(ctx context.Context, at *url.URL) (info tree.Info, err error) {
	err = s.propfind(ctx, at, "0", func(got string, i tree.Info) error {
		if got == path.Clean(at.Path) {
			info = i
		}
		return nil
	})
	return info, err
}

// confirm returns the error of a request, but of one that was answered with 404
// another unless something above is there: a proxy that has no route to the
// server answers with 404 too.
func (s *server) confirm(ctx context.Context, at *url.URL, err error) error {
	if code := statusOf(err); code != http.StatusNotFound && code != http.StatusGone {
		return err
	}
	for at.Path != "/" {
		at = above(at)
		_, lookErr := s.properties(ctx, at)
		switch statusOf(lookErr) {
		case http.StatusNotFound, http.StatusGone:
		case 0:
			if lookErr != nil {
				return lookErr
			}
			return err
		default:
			return transport.Foreign("%v, and nothing above it is there: PROPFIND of %s: %v", err, at.Path, lookErr)
		}
	}
	return transport.Foreign("%v, and nothing above it is there", err)
}
