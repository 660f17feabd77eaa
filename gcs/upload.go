package gcs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore/backend/object"
)

// Put implements object.Bucket. The CRC-32C is sent with the body.
func (b *bucket) Put(ctx context.Context, key string, body *object.Body, opts object.PutOptions) (object.Object, error) {
	w, cancel := b.writer(ctx, key, opts)
	defer cancel()
	w.ChunkSize = 0 // no buffer; otherwise it has at least 256 KiB, by default 16 MiB
	w.CRC32C, w.SendCRC32C = crcOf(opts.Sum), true
	return send(ctx, w, cancel, body)
}

// PutStream implements object.Streamer with a resumable upload. Repeating a chunk
// is safe: the service ignores bytes at offsets that are already stored
// ("Resumable uploads").
func (b *bucket) PutStream(ctx context.Context, key string, body *object.Stream, opts object.PutOptions, retry object.Retrier) (object.Object, error) {
	x := &exchange{retry: retry}
	w, cancel := b.writer(x.context(ctx), key, opts)
	defer cancel()
	w.ChunkSize = int(b.cfg.Transfer.PartSize)
	w.ChunkRetryDeadline = time.Hour // the policy decides
	done, err := send(ctx, w, cancel, body)
	if err == nil {
		return done, nil
	}
	session := x.sessionURL()
	if session == "" {
		return object.Object{}, &callError{opBegin, err}
	}
	b.endSession(ctx, key, session)
	return object.Object{}, &callError{opChunk, err}
}

// writer returns the library's writer of an object, and a function to cancel it.
func (b *bucket) writer(ctx context.Context, key string, opts object.PutOptions) (*storage.Writer, context.CancelFunc) {
	o := b.object(key)
	if opts.IfAbsent {
		o = o.If(storage.Conditions{DoesNotExist: true})
	}
	if b.cfg.Client != nil {
		// Only the library can repeat the chunks of an upload.
		o = o.Retryer(storage.WithPolicy(storage.RetryAlways), storage.WithMaxAttempts(b.cfg.Retry.MaxAttempts), storage.WithErrorFunc(retryable))
	}
	ctx, cancel := context.WithCancel(ctx)
	w := o.NewWriter(ctx)
	w.ContentType = "application/octet-stream" // otherwise the library guesses from the first bytes
	w.Metadata = opts.Metadata
	w.StorageClass = b.cfg.StorageClass
	w.KMSKeyName = b.cfg.KMSKeyName
	return w, cancel
}

// send copies a body to the library's writer and completes the object. If it
// fails, nothing is published, and the library's goroutine has ended.
func send(ctx context.Context, w *storage.Writer, cancel context.CancelFunc, body io.Reader) (object.Object, error) {
	to := &noting{w: w}
	if _, err := io.Copy(to, body); err != nil {
		// CloseWithError comes before cancel and Close: a writer that is only
		// cancelled may complete the object with what it has.
		_ = w.CloseWithError(err) //lint:ignore SA1019 canceling instead is not safe
		cancel()
		_ = w.Close() // returns when the library's goroutine has ended
		if to.err != nil {
			err = notCanceled(ctx, err)
		}
		return object.Object{}, err
	}
	if err := w.Close(); err != nil {
		return object.Object{}, notCanceled(ctx, err)
	}
	attrs := w.Attrs()
	if attrs == nil {
		return object.Object{}, errors.New("response to a write does not describe the object")
	}
	done := described(attrs)
	if attrs.Name != w.Name {
		done.Size = -1 // a response for another object: ask for this one
	}
	return done, nil
}

// noting notes why a write failed, in contrast to the body.
type noting struct {
	w   io.Writer
	err error
}

func (n *noting) Write(p []byte) (written int, err error) {
	written, n.err = n.w.Write(p)
	return written, n.err
}

// notCanceled returns the library's error of an upload. Over gRPC, that is context.Canceled
// if the Client is closed, although nobody has canceled the caller's context.
func notCanceled(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, context.Canceled) {
		return fmt.Errorf("upload was canceled by the library (%v): is Config.Client closed?", err)
	}
	return err
}

// cleanupTimeout is how long a failed write may take to clean up.
const cleanupTimeout = 10 * time.Second

// endSession cancels an upload that failed, which the service would otherwise keep
// for a week. It does so even if ctx has ended.
func (b *bucket) endSession(ctx context.Context, key, session string) {
	if b.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := endSession(ctx, b.http, session); err != nil {
		b.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx upload not cancelled: the service discards it after a week",
			slog.String("replica", typeName), slog.String("key", key), slog.Any("error", b.log.Secrets.Error(err)))
	}
}

// statusEnded is the status of the service's response after cancelling an upload
// ("Performing resumable uploads", "Cancel an upload").
const statusEnded = 499

func endSession(ctx context.Context, client *http.Client, session string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, session, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case statusEnded, http.StatusNotFound, http.StatusGone, http.StatusOK, http.StatusNoContent:
		return nil
	}
	return fmt.Errorf("service returned %s", resp.Status)
}

// crcOf returns the CRC-32C in an object's Sum.
func crcOf(sum []byte) uint32 { return binary.BigEndian.Uint32(sum) }
