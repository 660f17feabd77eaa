package s3

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/deletion"
)

// abortUploads aborts this replica's unfinished multipart uploads below prefix
// and returns an *ltxstore.Error for each failure. It costs one request for
// each 1000 uploads there, whosever they are, and one for each that it aborts.
// A store without multipart uploads has none.
func (r *replica) abortUploads(ctx context.Context, prefix string) (failed []error) {
	in := &s3.ListMultipartUploadsInput{Bucket: aws.String(r.cfg.Bucket), EncodingType: types.EncodingTypeUrl}
	if prefix != "" {
		in.Prefix = aws.String(prefix)
	}
	var pages bounded.Pages
	for len(failed) < deletion.MaxFailures {
		err := ctxio.Err(ctx)
		var out *s3.ListMultipartUploadsOutput
		if err == nil {
			out, err = r.api.ListMultipartUploads(ctx, in)
		}
		switch {
		case err == nil:
		case isNoUpload(err), errors.Is(kindOf(err), errors.ErrUnsupported): // rclone's server says the first
			return failed
		default:
			return append(failed, r.wrap(opDeleteAll, prefix, ctxio.Ended(ctx, err)))
		}
		failed = append(failed, r.abort(ctx, out)...)

		key, id := decodeKey(out.NextKeyMarker, out.EncodingType), aws.ToString(out.NextUploadIdMarker)
		if !aws.ToBool(out.IsTruncated) && (out.IsTruncated != nil || key == "") {
			return failed
		}
		err = pages.Add(key+"\x00"+id, uploadNames(out))
		switch {
		case out.IsTruncated == nil:
			err = errors.New("server answered with a list of uploads that may go on: it does not say IsTruncated")
		case key == aws.ToString(in.KeyMarker) && id == aws.ToString(in.UploadIdMarker):
			err = errors.New("server answered with a truncated list of uploads that does not go on")
		}
		if err != nil {
			return append(failed, r.wrap(opDeleteAll, prefix, err))
		}
		in.KeyMarker, in.UploadIdMarker = aws.String(key), nil
		if id != "" {
			in.UploadIdMarker = aws.String(id)
		}
	}
	return failed
}

// abort aborts those of a page's uploads that are of this replica's files.
func (r *replica) abort(ctx context.Context, page *s3.ListMultipartUploadsOutput) []error {
	type upload struct{ key, id string }
	var own []upload
	for _, u := range page.Uploads {
		key := decodeKey(u.Key, page.EncodingType)
		if _, _, _, ok := r.keys.Parse(key); ok && aws.ToString(u.UploadId) != "" {
			own = append(own, upload{key, *u.UploadId})
		}
	}
	results := make([]error, len(own))
	bounded.Each(len(own), r.cfg.DeleteConcurrency, func(i int) {
		in := &s3.AbortMultipartUploadInput{Bucket: aws.String(r.cfg.Bucket), Key: aws.String(own[i].key), UploadId: aws.String(own[i].id)}
		err := ctxio.Err(ctx)
		if err == nil {
			_, err = r.api.AbortMultipartUpload(ctx, in)
		}
		if err != nil && codeOf(err) != "NoSuchUpload" {
			results[i] = r.wrap(opDeleteAll, own[i].key, ctxio.Ended(ctx, err))
		}
	})
	return slices.DeleteFunc(results, func(err error) bool { return err == nil })
}

func uploadNames(page *s3.ListMultipartUploadsOutput) []string {
	names := make([]string, 0, len(page.Uploads))
	for _, u := range page.Uploads {
		names = append(names, aws.ToString(u.Key)+"\x00"+aws.ToString(u.UploadId))
	}
	return names
}
