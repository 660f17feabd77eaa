package webdav

import (
	"bytes"
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
	"github.com/ltxstore/ltxstore/backend/tree"
)

const propfindBody = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>`

// response is an element of a multistatus answer (RFC 4918, section 14.24).
type response struct {
	Href     string `xml:"DAV: href"`
	PropStat []struct {
		Status string `xml:"DAV: status"`
		Prop   struct {
			Collection *struct{} `xml:"DAV: resourcetype>collection"`
			Length     string    `xml:"DAV: getcontentlength"`
			Modified   string    `xml:"DAV: getlastmodified"`
		} `xml:"DAV: prop"`
	} `xml:"DAV: propstat"`
}

// info returns the properties of one file or collection.
func (r *response) info() (info tree.Info, err error) {
	for _, p := range r.PropStat {
		if fields := strings.Fields(p.Status); len(fields) < 2 || fields[1] != "200" {
			continue
		}
		if p.Prop.Collection != nil {
			info.Mode = fs.ModeDir
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
	return info, nil
}

// propfind asks for a file or collection, and with depth 1 for what is in it.
// visit is given each path as the server has it, without a slash at the end.
func (s *server) propfind(ctx context.Context, at *url.URL, depth string, visit func(path string, info tree.Info)) error {
	answer, err := s.send(ctx, "PROPFIND", at, http.Header{"Depth": {depth}, "Content-Type": {"application/xml"}},
		strings.NewReader(propfindBody), int64(len(propfindBody)))
	if err != nil {
		return err
	}
	defer drain(answer.Body)
	if answer.StatusCode != http.StatusMultiStatus {
		return &statusError{"PROPFIND", answer.StatusCode, answer.Header}
	}
	d := xml.NewDecoder(answer.Body)
	for inside := false; ; {
		token, err := d.Token()
		if err == io.EOF {
			return fmt.Errorf("PROPFIND answered without a multistatus: %w", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return fmt.Errorf("PROPFIND's answer cannot be read: %w", err)
		}
		switch e := token.(type) {
		case xml.EndElement: // of the root
			return s.ended(d)
		case xml.StartElement:
			if !inside {
				if e.Name != (xml.Name{Space: "DAV:", Local: "multistatus"}) {
					return fmt.Errorf("PROPFIND answered with an element %s: want a multistatus", e.Name.Local)
				}
				inside = true
				continue
			}
			var r response
			if err := d.DecodeElement(&r, &e); err != nil {
				return fmt.Errorf("PROPFIND's answer cannot be read: %w", err)
			}
			if e.Name.Local != "response" {
				continue
			}
			href, err := url.Parse(r.Href)
			if err != nil {
				return fmt.Errorf("PROPFIND answered with an href that is not a URL: %w", err)
			}
			info, err := r.info()
			if err != nil {
				return err
			}
			visit(path.Clean(href.Path), info)
		}
	}
}

// ended returns an error if something follows the root: golang.org/x/net closes
// the root and then reports that it could not list everything.
func (s *server) ended(d *xml.Decoder) error {
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

// List implements tree.Tree.
func (s *server) List(ctx context.Context, dir string, visit func(tree.Entry)) error {
	at := s.dir(dir)
	self := path.Clean(at.Path)
	err := s.propfind(ctx, at, "1", func(p string, info tree.Info) {
		if path.Dir(p) == self && p != self {
			visit(tree.Entry{Name: path.Base(p), Info: info})
		}
	})
	return err
}

// Stat implements tree.Tree.
func (s *server) Stat(ctx context.Context, p string) (info tree.Info, err error) {
	found := false
	look := func(at *url.URL) error {
		return s.propfind(ctx, at, "0", func(_ string, i tree.Info) { info, found = i, true })
	}
	if err = look(s.at(p)); p == "" || statusOf(err)/100 == 3 { // as a collection without its slash is answered
		err = look(s.dir(p))
	}
	if err == nil && !found {
		err = errors.New("PROPFIND answered without a response")
	}
	return info, err
}
