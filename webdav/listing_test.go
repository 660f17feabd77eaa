package webdav

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// document answers PROPFIND with a whole document.
func document(xml string) func(w http.ResponseWriter, r *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "PROPFIND" {
			return false
		}
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = io.WriteString(w, xml)
		return true
	}
}

const (
	levelPath = "/backups/db/ltx/0000"
	fileTime  = "Thu, 29 Feb 2024 12:00:00 GMT"
)

// oneFile is a listing of a level with one file, in the words of most servers.
var oneFile = fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:">
<D:response><D:href>%[1]s/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
<D:response><D:href>%[1]s/%[2]s</D:href><D:propstat><D:prop><D:resourcetype/><D:getcontentlength>7</D:getcontentlength><D:getlastmodified>%[3]s</D:getlastmodified></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
</D:multistatus>`, levelPath, ltx.FormatFilename(1, 1), fileTime)

// Servers write the same listing in many ways.
func TestListingsAsServersWriteThem(t *testing.T) {
	change := func(pairs ...string) string {
		changed := strings.NewReplacer(pairs...).Replace(oneFile)
		require.NotEqual(t, oneFile, changed)
		return changed
	}
	const length = "<D:getcontentlength>7</D:getcontentlength>"
	stranger := func(name, props string) string {
		return change("</D:multistatus>", fmt.Sprintf("<D:response><D:href>%s/%s</D:href><D:propstat><D:prop>%s</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>", levelPath, name, props))
	}
	for name, xml := range map[string]string{
		"plain":              oneFile,
		"absolute":           change("<D:href>", "<D:href>https://another.example:8443"),
		"no slash":           change(levelPath+"/<", levelPath+"<"),
		"two slashes":        change("<D:href>/backups", "<D:href>/backups/"),
		"escaped":            change("/backups/", "/%62ackups/", "01-", "01%2D"),
		"default namespace":  change("<D:", "<", "</D:", "</", "xmlns:D", "xmlns"),
		"another prefix":     change("<D:", "<ns0:", "</D:", "</ns0:", "xmlns:D", "xmlns:ns0"),
		"namespace each":     change("<D:response>", `<x:response xmlns:x="DAV:">`, "</D:response>", "</x:response>"),
		"byte order mark":    "\ufeff" + oneFile,
		"no declaration":     oneFile[strings.Index(oneFile, "\n")+1:],
		"upper case charset": change(`"utf-8"`, `"UTF-8"`),
		"another charset":    change("utf-8", "iso-8859-1"),
		"no reason":          change("200 OK", "200"),
		"HTTP/2":             change("HTTP/1.1", "HTTP/2"),
		"indented":           change("<D:href>", "<D:href>\n\t", "</D:href>", "\n</D:href>", ">7<", "> 7\n<", fileTime, "\n"+fileTime+" "),
		"properties apart":   change(length, "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop>"+length),
		"some not found": change("<D:response><D:href>"+levelPath+"/0", "<D:response><D:href>"+levelPath+"/0",
			"<D:propstat><D:prop><D:resourcetype>", "<D:propstat><D:prop><D:getcontentlength/><D:getlastmodified/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat><D:propstat><D:prop><D:resourcetype>"),
		"more properties":       change(length, `<x:size xmlns:x="urn:x">9</x:size>`+length+`<D:getetag>"7"</D:getetag><D:lockdiscovery><D:activelock><D:href>/x</D:href></D:activelock></D:lockdiscovery>`),
		"a foreign length":      change(length, `<x:getcontentlength xmlns:x="urn:x">9</x:getcontentlength>`+length),
		"a description":         change("</D:multistatus>", "<D:responsedescription>all</D:responsedescription></D:multistatus>"),
		"comments":              change("<D:response>", "<!-- next --><D:response>"),
		"a stranger, no length": stranger("notes", "<D:resourcetype/>"),
		"a stranger, odd":       stranger("notes", "<D:getcontentlength>many</D:getcontentlength><D:getlastmodified>yesterday</D:getlastmodified>"),
		"a stranger's folder":   stranger("dir/", "<D:resourcetype><D:collection/></D:resourcetype><D:getcontentlength>x</D:getcontentlength><D:getlastmodified/>"),
		"a stranger, unicode":   stranger("%e3%83%87ä %25 b", "<D:getcontentlength>1</D:getcontentlength>"),
		"deeper than asked":     stranger("dir/"+ltx.FormatFilename(2, 2), "<D:getcontentlength>1</D:getcontentlength>"),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := s.client(impatient)
			s.script(document(xml))
			found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, ltx.FileInfo{MinTXID: 1, MaxTXID: 1, Size: 7, CreatedAt: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)}, *found[0])
		})
	}
}

// What cannot be read is an error, and never a listing of no files.
func TestListingsThatCannotBeRead(t *testing.T) {
	units := utf16.Encode([]rune("\ufeff" + strings.Replace(oneFile, "utf-8", "utf-16", 1)))
	var wide strings.Builder
	for _, u := range units {
		wide.WriteString(string([]byte{byte(u), byte(u >> 8)})) // little-endian
	}
	for name, xml := range map[string]string{
		"UTF-16":            wide.String(),
		"another namespace": strings.Replace(oneFile, `"DAV:"`, `"DAV"`, 1),
		"no namespace":      strings.ReplaceAll(strings.Replace(oneFile, ` xmlns:D="DAV:"`, "", 1), "D:", ""),
		"a broken href":     strings.Replace(oneFile, levelPath+"/<", levelPath+"/%zz<", 1),
		"no href":           strings.ReplaceAll(strings.ReplaceAll(oneFile, "<D:href>", "<D:other>"), "</D:href>", "</D:other>"),
		"host for a path":   strings.ReplaceAll(oneFile, "<D:href>/", "<D:href>//"),
		"relative":          strings.ReplaceAll(oneFile, levelPath+"/", ""),
		"a bare status":     strings.ReplaceAll(oneFile, "HTTP/1.1 200 OK", "200 OK"),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			c := s.client(impatient)
			s.script(document(xml))
			_, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
			require.Error(t, err)
			require.Error(t, c.DeleteAll(t.Context()))
		})
	}
}

// A server that does not tell when a file was stored: its header does.
func TestListingWithoutTimes(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	at := time.Date(2001, 2, 3, 4, 5, 6, 7e6, time.UTC)
	body := replicatest.NewLTXFile(1, 1, at, 1)
	require.NoError(t, write(t, c, string(body)))
	s.script(document(strings.NewReplacer(fileTime, "", ">7<", fmt.Sprintf(">%d<", len(body))).Replace(oneFile)))
	found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, at, found[0].CreatedAt)
}

// A server that rejects a range which the file has is told so.
func TestRejectedRange(t *testing.T) {
	s := start(t)
	c := s.client(impatient)
	require.NoError(t, write(t, c, "0123456789"))
	s.script(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		w.Header().Set("Content-Range", "bytes */10")
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return true
	})
	_, err := read(t, c, 5, 2)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.ErrorContains(t, err, "server rejects the range from 5 of 10 bytes")
	got, err := read(t, c, 10, 2)
	require.NoError(t, err)
	assert.Empty(t, got)
}
