package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore/internal/bounded"
)

// pager reads the objects right below a prefix. What is deeper comes as one
// prefix for each name, however much there is below it.
//
// Keys are asked for URL-encoded, because a stranger's key may have characters
// that XML has no form for; they are decoded only if the answer says so, since
// some services ignore the wish.
type pager struct {
	api        *s3.Client
	bucket     string
	prefix     string // closed by a slash, or empty
	startAfter string
	token      *string
	pages      bounded.Pages
}

// objects is a page of a listing.
type objects struct {
	objects  []types.Object // with their keys decoded, never nil
	prefixes []string
	more     bool
}

// next asks for the next page: one request.
func (p *pager) next(ctx context.Context) (objects, error) {
	in := &s3.ListObjectsV2Input{
		Bucket:            aws.String(p.bucket),
		Delimiter:         aws.String("/"),
		EncodingType:      types.EncodingTypeUrl,
		ContinuationToken: p.token,
	}
	if p.prefix != "" {
		in.Prefix = aws.String(p.prefix)
	}
	if p.token == nil && p.startAfter != "" {
		in.StartAfter = aws.String(p.startAfter)
	}
	out, err := p.api.ListObjectsV2(ctx, in)
	if err != nil {
		return objects{}, err
	}
	page := objects{objects: out.Contents, more: aws.ToBool(out.IsTruncated)}
	for i := range page.objects {
		key := decodeKey(page.objects[i].Key, out.EncodingType)
		page.objects[i].Key = &key
	}
	for _, common := range out.CommonPrefixes {
		page.prefixes = append(page.prefixes, decodeKey(common.Prefix, out.EncodingType))
	}
	token := aws.ToString(out.NextContinuationToken)
	switch {
	case !page.more && out.IsTruncated == nil && (token != "" || page.full(out.MaxKeys)):
		return objects{}, errors.New("server answered with a listing that may go on: it does not say IsTruncated")
	case !page.more:
		return page, nil
	case token == "":
		return objects{}, errors.New("server answered with a truncated listing and no continuation token")
	case token == aws.ToString(p.token):
		return objects{}, fmt.Errorf("server answered with the continuation token that it was given: %w", bounded.ErrRepeats)
	}
	if err := p.pages.Add(token, page.keys(), page.prefixes); err != nil {
		return objects{}, err
	}
	p.token = out.NextContinuationToken
	return page, nil
}

// full reports that a page has as much as it may have.
func (o objects) full(maxKeys *int32) bool {
	return len(o.objects)+len(o.prefixes) >= int(cmp.Or(aws.ToInt32(maxKeys), maxPage))
}

// maxPage is how much a page has unless less is asked for.
const maxPage = 1000

func (o objects) keys() []string {
	keys := make([]string, 0, len(o.objects))
	for _, object := range o.objects {
		keys = append(keys, *object.Key)
	}
	return keys
}

// decodeKey returns the key in an answer. One that is not encoded as the
// answer says is a stranger's, whatever it is.
func decodeKey(key *string, encoding types.EncodingType) string {
	raw := aws.ToString(key)
	if encoding != types.EncodingTypeUrl {
		return raw
	}
	decoded, err := url.QueryUnescape(raw)
	if err != nil {
		return raw
	}
	return decoded
}
