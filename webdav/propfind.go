package webdav

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
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

var errTooLong = fmt.Errorf("%w: PROPFIND response is too long for a listing", ltxstore.ErrUnavailable)

// response is an element of a multistatus response (RFC 4918, section 14.24).
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

// info returns the properties of a file or collection. A size that is not given, or
// is no number, is -1, and such a time is zero: strangers' files may have anything.
// Without any properties, it returns the error of their status.
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
		if size, err := strconv.ParseInt(strings.TrimSpace(p.Prop.Length), 10, 64); err == nil && info.Mode == 0 {
			info.Size = max(size, -1)
		}
		if at, err := http.ParseTime(strings.TrimSpace(p.Prop.Modified)); err == nil {
			info.Modified = at
		}
	}
	if code != http.StatusOK {
		return info, fmt.Errorf("%s: %w", r.Href, &statusError{"PROPFIND", code, nil})
	}
	return info, nil
}

// codeOf returns the code in a status line, or 0 if there is none.
func codeOf(line string) (code int) {
	if fields := strings.Fields(line); len(fields) > 1 {
		code, _ = strconv.Atoi(fields[1])
	}
	return code
}

// propfind asks for a file or collection, and with depth 1 for its members. It calls
// visit with each path as returned by the server, without a slash at the end. A
// response that does not contain the file or collection itself is an error: for
// example, a proxy may have changed the path.
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
		case statusOf(err) == http.StatusNotFound: // it was deleted in the meantime
			return nil
		}
		if err != nil {
			return err
		}
		return visit(p, info)
	})
	if err == nil && !found {
		err = transport.Foreign("PROPFIND of %s returned other files only", self)
	}
	return err
}

// multistatus calls visit for each response element.
func multistatus(answer io.Reader, visit func(path string, r *response) error) error {
	part := &io.LimitedReader{R: answer}
	d := xml.NewDecoder(part)
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // the elements, and escaped paths, are ASCII
	for inside := false; ; {
		part.N = maxResponse
		token, err := d.Token()
		switch e := token.(type) {
		case xml.EndElement: // of the root
			return ended(d)
		case xml.StartElement:
			if !inside {
				if e.Name != (xml.Name{Space: "DAV:", Local: "multistatus"}) {
					return fmt.Errorf("PROPFIND returned an element %s: want a multistatus", e.Name.Local)
				}
				inside = true
				continue
			}
			var r response
			if err = d.DecodeElement(&r, &e); err != nil || e.Name.Local != "response" {
				break
			}
			href, err := url.Parse(strings.TrimSpace(r.Href))
			if err != nil {
				return fmt.Errorf("PROPFIND returned an invalid href: %w", err)
			}
			if err := visit(path.Clean(href.Path), &r); err != nil {
				return err
			}
		}
		switch {
		case err != nil && part.N == 0:
			return errTooLong
		case err == io.EOF:
			return fmt.Errorf("PROPFIND returned no multistatus: %w", io.ErrUnexpectedEOF)
		case errors.As(err, new(*xml.SyntaxError)): // it may be cut off
			return fmt.Errorf("PROPFIND response cannot be parsed: %w: %w", ltxstore.ErrUnavailable, err)
		case err != nil:
			return fmt.Errorf("PROPFIND response cannot be parsed: %w", err)
		}
	}
}

// ended returns an error if text follows the root element: if golang.org/x/net
// cannot list everything, it closes the root and then writes an error.
func ended(d *xml.Decoder) error {
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if text, ok := token.(xml.CharData); err != nil || ok && len(bytes.TrimSpace(text)) > 0 {
			return fmt.Errorf("PROPFIND response is incomplete: text follows its end: %w", ltxstore.ErrUnavailable)
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
			return fmt.Errorf("PROPFIND returned no size for %s", p)
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

// stat is Stat without confirm, for files whose absence is no error.
func (s *server) stat(ctx context.Context, p string) (info tree.Info, err error) {
	info, err = s.properties(ctx, s.at(p))
	if p == "" || statusOf(err)/100 == 3 { // how servers respond to a collection without a trailing slash
		return s.properties(ctx, s.dir(p))
	}
	return info, err
}

// properties returns the properties of a file or collection.
func (s *server) properties(ctx context.Context, at *url.URL) (info tree.Info, err error) {
	err = s.propfind(ctx, at, "0", func(got string, i tree.Info) error {
		if got == path.Clean(at.Path) {
			info = i
		}
		return nil
	})
	return info, err
}

// confirm returns the error of a request. A 404 may also come from a proxy without a
// route to the server: confirm returns a different error for it unless a parent
// collection exists.
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
			return transport.Foreign("%v, and no parent exists: PROPFIND of %s: %v", err, at.Path, lookErr)
		}
	}
	return transport.Foreign("%v, and no parent exists", err)
}
