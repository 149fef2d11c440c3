package windlass

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	backoffFirst = 100 * time.Millisecond
	backoffMost  = 5 * time.Second
	// How long the server stays silent at most, unless the request says.
	progressInterval = 20 * time.Second
	// So many of those are a dead connection.
	silences = 3
)

var errSilent = errors.New("the connection fell silent")

// final are codes that trying again cannot mend.
var final = map[codes.Code]bool{
	codes.Unauthenticated:    true,
	codes.PermissionDenied:   true,
	codes.NotFound:           true,
	codes.InvalidArgument:    true,
	codes.OutOfRange:         true,
	codes.Unimplemented:      true,
	codes.FailedPrecondition: true,
}

// feed is a watch of the API: M is its message, T what it is about.
type feed[M, T any] struct {
	start   int64
	silence time.Duration
	open    func(ctx context.Context, conn *grpc.ClientConn, start int64) (grpc.ServerStreamingClient[M], error)
	// read says what is in a message.
	read func(*M) item[T]
}

type watchRequest interface {
	proto.Message
	GetStartRevision() int64
	GetProgressInterval() *durationpb.Duration
}

// opening is a generated method that begins a watch.
type opening[R, M any] func(context.Context, R, ...grpc.CallOption) (grpc.ServerStreamingClient[M], error)

func newFeed[R watchRequest, M, T any](
	request R, open func(*grpc.ClientConn) opening[R, M], read func(*M) item[T],
) feed[M, T] {
	// The caller's may change while the watch goes on, or be nil.
	own := request.ProtoReflect().New().Interface().(R)
	proto.Merge(own, request)
	silence := silences * progressInterval
	if interval := own.GetProgressInterval(); interval != nil {
		silence = silences * interval.AsDuration()
	}
	begin := func(ctx context.Context, conn *grpc.ClientConn, start int64) (grpc.ServerStreamingClient[M], error) {
		resumed := proto.CloneOf(own)
		fields := resumed.ProtoReflect()
		fields.Set(fields.Descriptor().Fields().ByName("start_revision"), protoreflect.ValueOfInt64(start))
		return open(conn)(ctx, resumed)
	}
	return feed[M, T]{own.GetStartRevision(), silence, begin, read}
}

type item[T any] struct {
	revision int64
	// progress where the message has no event.
	kind     Kind
	name     string
	resource T
}

// watch follows a feed across cut connections. All of it happens in the loop over the sequence.
func watch[M, T any](ctx context.Context, c *Client, f feed[M, T]) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(c.open, func() { cancel(ErrClosed) })()
		w := &watcher[M, T]{client: c, feed: f, position: newPosition(f.start), yield: yield}
		if err := w.follow(ctx); err != nil {
			yield(Event[T]{}, err)
		}
	}
}

type watcher[M, T any] struct {
	client   *Client
	feed     feed[M, T]
	position *position
	yield    func(Event[T], error) bool
	// Attempts in a row without a message, and what the last of them ended with.
	failures int
	last     error
}

// errLeft is what an attempt ends with when the reader leaves its loop.
var errLeft = errors.New("the reader left")

// follow returns nil when the reader leaves its loop, else what trying again cannot mend.
func (w *watcher[M, T]) follow(ctx context.Context) error {
	log := w.client.options.logger
	for {
		err := w.attempt(ctx)
		resume := w.position.resume()
		switch code := status.Code(err); {
		case err == errLeft:
			return nil
		case ctx.Err() != nil:
			return w.ended(ctx)
		case code == codes.OutOfRange && resume != 0:
			log.Info("history to go on from is gone: beginning anew", "revision", resume)
			w.position.forget()
			continue
		case final[code]:
			return err
		}
		w.failures++
		w.last = err
		pause := backoffAfter(w.failures, rand.Float64())
		log.Info("the watch was cut; trying again", "error", err, "pause", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return w.ended(ctx)
		}
	}
}

// ended says why the context ended, and what stood in the way until then.
func (w *watcher[M, T]) ended(ctx context.Context) error {
	if w.failures == 0 {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w; the last attempt failed: %v", context.Cause(ctx), w.last)
}

// attempt hands on what one stream brings, until it ends.
func (w *watcher[M, T]) attempt(ctx context.Context) error {
	w.position.begin()
	// A connection of its own for each attempt: one that fell silent may be shared with nothing.
	conn, err := w.client.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A connection is made before the first message.
	watchdog := time.AfterFunc(max(w.feed.silence, connectTimeout), func() { cancel(errSilent) })
	defer watchdog.Stop()
	stream, err := w.feed.open(ctx, conn, w.position.resume())
	for err == nil {
		var message *M
		if message, err = stream.Recv(); err != nil {
			break
		}
		// What the reader takes its time for is not silence.
		watchdog.Stop()
		w.failures = 0
		if !w.handOn(w.feed.read(message)) {
			return errLeft
		}
		watchdog.Reset(w.feed.silence)
	}
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	if err == io.EOF {
		return errors.New("the server ended the stream")
	}
	return err
}

func (w *watcher[M, T]) handOn(it item[T]) bool {
	reset, news := w.position.advance(it.revision, it.kind, it.name)
	if reset && !w.yield(Event[T]{Kind: Reset, Revision: it.revision}, nil) {
		return false
	}
	if !news {
		return true
	}
	return w.yield(Event[T]{
		Kind:           it.kind,
		Revision:       it.revision,
		Name:           it.name,
		Resource:       it.resource,
		ResumeRevision: w.position.resume(),
	}, nil)
}

// backoffAfter is the time before the next attempt after so many failures in a row; random is from 0 to 1.
func backoffAfter(failures int, random float64) time.Duration {
	full := min(backoffMost, backoffFirst<<min(failures-1, 10))
	return full/2 + time.Duration(random*float64(full/2))
}
