package abs

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// Delete implements object.Bucket.
func (b *bucket) Delete(ctx context.Context, key string) error { return b.DeleteVersion(ctx, key, "") }

// DeleteVersion implements object.Retractor.
func (b *bucket) DeleteVersion(ctx context.Context, key, version string) error {
	_, err := b.container.NewBlobClient(key).Delete(ctx, &blob.DeleteOptions{AccessConditions: atVersion(version)})
	return err
}

// DeleteBatch implements object.Batcher. It sends one Blob Batch.
func (b *bucket) DeleteBatch(ctx context.Context, keys []string) (map[string]error, error) {
	batch, err := b.container.NewBatchBuilder()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if err := batch.Delete(key, nil); err != nil {
			return nil, err
		}
	}
	out, err := b.submit(ctx, batch)
	if err != nil {
		return nil, err
	}
	results := make(map[string]error, len(keys))
	for _, item := range out.Responses {
		if item.ContentID != nil {
			results[keys[*item.ContentID]] = item.Error
		}
	}
	return results, nil
}

// submit sends a batch. The SDK panics if the response contains a deletion that
// is not in the batch, and if it cannot parse a response, its error contains
// the whole of it.
func (b *bucket) submit(ctx context.Context, batch *container.BatchBuilder) (out container.SubmitBatchResponse, err error) {
	defer func() {
		if wrong := recover(); wrong != nil {
			err = transport.Foreign("response to another batch: %v", wrong)
		}
	}()
	out, err = b.container.SubmitBatch(ctx, batch, nil)
	if answer := new(azcore.ResponseError); err != nil && ctx.Err() == nil && !errors.As(err, &answer) && !ltxstore.IsRetryable(err) {
		err = transport.Foreign("%.1000s", b.Secrets.Text(err.Error()))
	}
	return out, err
}
