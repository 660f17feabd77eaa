package s3fake_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// model lists as the documentation of ListObjectsV2 says, without thought of
// cost: keys behind after, then groups, each where its first key is.
func model(keys []string, prefix, delimiter, after string) (found []string) {
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if delimiter != "" {
			if before, _, ok := strings.Cut(key[len(prefix):], delimiter); ok {
				group := prefix + before + delimiter
				// A group that the listing begins within is over.
				if group > after && !slices.Contains(found, group) {
					found = append(found, group)
				}
				continue
			}
		}
		found = append(found, key)
	}
	return found
}

// list returns all keys and groups, in their order, and the number of pages.
func (s *service) list(t *testing.T, in s3.ListObjectsV2Input) (found []string, pages int) {
	t.Helper()
	in.Bucket = aws.String(name)
	for p := s3.NewListObjectsV2Paginator(s.client, &in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		require.NoError(t, err)
		assert.Equal(t, len(out.Contents)+len(out.CommonPrefixes), int(*out.KeyCount))
		var page []string
		for _, o := range out.Contents {
			page = append(page, decoded(t, string(out.EncodingType), *o.Key))
		}
		for _, g := range out.CommonPrefixes {
			page = append(page, decoded(t, string(out.EncodingType), *g.Prefix))
		}
		slices.Sort(page)
		found = append(found, page...)
	}
	return found, pages
}

func decoded(t *testing.T, encoding, key string) string {
	t.Helper()
	if encoding != "url" {
		return key
	}
	key, err := url.QueryUnescape(key)
	require.NoError(t, err)
	return key
}

// TestListAgainstModel lists random keys in random ways.
func TestListAgainstModel(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	word := func(most int) string {
		const letters = "ab/ü +"
		var b strings.Builder
		for range random.IntN(most + 1) {
			r := []rune(letters)
			b.WriteRune(r[random.IntN(len(r))])
		}
		return b.String()
	}
	groups, paged := 0, 0
	for round := range 30 {
		limit := 1 + random.IntN(7)
		s := serve(t, s3fake.Options{PageSize: limit})
		var keys []string
		for range random.IntN(40) {
			key := "k" + word(6)
			s.Put(name, key, []byte("x"))
			keys = append(keys, key)
		}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		for range 6 {
			prefix, delimiter, after := "k"+word(2), []string{"", "/", "/", "ab"}[random.IntN(4)], ""
			if random.IntN(2) == 0 {
				after = "k" + word(4)
			}
			in := s3.ListObjectsV2Input{Prefix: aws.String(prefix), Delimiter: aws.String(delimiter), StartAfter: aws.String(after), EncodingType: "url"}
			what := fmt.Sprintf("round %d: prefix %q, delimiter %q, after %q, of %q", round, prefix, delimiter, after, keys)
			want := model(keys, prefix, delimiter, after)
			found, pages := s.list(t, in)
			require.Equal(t, want, found, what)
			require.Equal(t, max(1, (len(want)+limit-1)/limit), pages, what)
			paged += pages - 1
			if delimiter != "" && slices.ContainsFunc(want, func(key string) bool { return strings.HasSuffix(key, delimiter) }) {
				groups++
			}
		}
	}
	assert.Greater(t, groups, 20, "listings with groups")
	assert.Greater(t, paged, 100, "further pages")
}

func TestListOptions(t *testing.T) {
	fill := func(s *service) (keys []string) {
		for i := range 9 {
			keys = append(keys, fmt.Sprintf("k%d +", i))
			s.Put(name, keys[i], []byte("body"))
		}
		return keys
	}
	t.Run("unsorted", func(t *testing.T) {
		s := serve(t, s3fake.Options{PageSize: 2, Unsorted: true})
		keys := fill(s)
		out, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(name)})
		require.NoError(t, err)
		assert.NotEqual(t, keys[0], *out.Contents[0].Key)
		found, pages := s.list(t, s3.ListObjectsV2Input{})
		assert.ElementsMatch(t, keys, found)
		assert.Equal(t, 5, pages)
	})
	t.Run("no start-after", func(t *testing.T) {
		s := serve(t, s3fake.Options{NoStartAfter: true})
		keys := fill(s)
		found, _ := s.list(t, s3.ListObjectsV2Input{StartAfter: aws.String("k5")})
		assert.Equal(t, keys, found)
	})
	t.Run("no encoding", func(t *testing.T) {
		s := serve(t, s3fake.Options{IgnoreEncoding: true})
		keys := fill(s)
		out, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(name), EncodingType: "url"})
		require.NoError(t, err)
		assert.Empty(t, out.EncodingType)
		assert.Equal(t, keys[0], *out.Contents[0].Key)
	})
	t.Run("fields", func(t *testing.T) {
		for _, omit := range [][]string{nil, {"ETag", "Size", "LastModified"}} {
			s := serve(t, s3fake.Options{Omit: omit})
			fill(s)
			out, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(name), MaxKeys: aws.Int32(3)})
			require.NoError(t, err)
			require.Len(t, out.Contents, 3)
			o := out.Contents[0]
			assert.Equal(t, omit == nil, o.ETag != nil)
			assert.Equal(t, omit == nil, o.Size != nil && *o.Size == 4)
			assert.Equal(t, omit == nil, o.LastModified != nil)
		}
	})
	t.Run("bad arguments", func(t *testing.T) {
		s := serve(t, s3fake.Options{})
		for _, query := range []string{"max-keys=x", "max-keys=-1", "continuation-token=*"} {
			_, code, _ := s.send(t, "GET", "/bucket?list-type=2&"+query, "")
			assert.Equal(t, "InvalidArgument", code, query)
		}
		_, err := s.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("another")})
		requireCode(t, err, "NoSuchBucket")
	})
}

func TestListUploads(t *testing.T) {
	s := serve(t, s3fake.Options{PageSize: 2})
	for _, key := range []string{"b/1", "a", "b/1", "b/2", "c", "b/1"} {
		s.AddUpload(name, key)
	}
	var keys []string
	in := &s3.ListMultipartUploadsInput{Bucket: aws.String(name), Prefix: aws.String("b/")}
	pages := 0
	for p := s3.NewListMultipartUploadsPaginator(s.client, in); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		require.NoError(t, err)
		for _, u := range out.Uploads {
			keys = append(keys, *u.Key)
		}
	}
	assert.Equal(t, []string{"b/1", "b/1", "b/1", "b/2"}, keys)
	assert.Equal(t, 2, pages)
	assert.Equal(t, []string{"a", "b/1", "b/1", "b/1", "b/2", "c"}, s.Uploads(name))
}
