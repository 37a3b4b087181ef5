// Package uploads takes files in pieces by the tus protocol (version 1.0.0), so that an upload goes on from where it
// was cut. A file that is whole ends where every upload does: in the contest's Accept.
package uploads

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	xslog "golang.org/x/exp/slog" // what tusd takes

	"risingstars/internal/contest"
	"risingstars/internal/disk"
	"risingstars/internal/web/drain"
)

// Path is where uploads are made; each then has an address below it.
const Path = "/api/uploads"

// videoHeader says which video an upload that is whole has become.
const videoHeader = "Video-Id"

const (
	// Life is how long an upload may take from its beginning, and how long its end is remembered.
	Life = 24 * time.Hour

	idleBody    = 30 * time.Second
	finishLimit = 2 * time.Minute // for judging and keeping a file that is whole
	infoSuffix  = ".info"

	secondSuffix = ".second"
)

// Store keeps a row for each upload from its beginning until it expires or is refused. Each method is one transaction.
type Store interface {
	// AddUpload returns *contest.TooManyError and contest.ErrQuotaExceeded where a player may not have another, whatever races.
	AddUpload(ctx context.Context, u contest.PartialUpload) error
	// Upload returns contest.ErrNoVideo if there is none.
	Upload(ctx context.Context, id string) (contest.PartialUpload, error)
	ExpiredUploads(ctx context.Context, now time.Time) ([]contest.PartialUpload, error)
	DeleteUpload(ctx context.Context, id string) error
}

// Needs are what uploads are built on.
type Needs struct {
	Store  Store
	Videos *contest.Videos
	// Caller finds who asks. It returns contest.ErrNotSignedIn for nobody.
	Caller func(w http.ResponseWriter, r *http.Request) (contest.Player, error)
	// Room returns contest.ErrNoSpace while there is none for more files.
	Room    func() error
	Dir     string // where the pieces are kept, over restarts too
	MaxSize int64  // bytes of a file
	MinRate int64  // bytes a second that must come, 0 for any
	// LockLimit is how long a request waits for another that has the same upload; 0 for 20 s.
	LockLimit time.Duration
	Clock     contest.Clock
	Log       *slog.Logger
	// Received and Ended hear, for the metrics, of bytes that have arrived and, once each, of uploads that were accepted (nil) or not.
	Received func(bytes int64)
	Ended    func(error)
}

// Uploads serves the protocol.
type Uploads struct {
	Needs
	locks   locker
	tus     http.Handler
	drained http.Handler // serve, which answers before it has read the body
}

// New prepares the folder and the protocol.
func New(n Needs) (*Uploads, error) {
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for uploads: %w", err)
	}
	n.LockLimit = cmp.Or(n.LockLimit, lockLimit)
	u := &Uploads{Needs: n, locks: newLocker(n.Dir)}
	kept := files{filestore.New(n.Dir), u.remove}
	kept.DirModePerm, kept.FileModePerm = 0o700, 0o600
	composer := handler.NewStoreComposer()
	composer.UseCore(kept)
	composer.UseTerminater(kept)
	composer.UseLocker(u.locks)
	tus, err := handler.NewHandler(handler.Config{
		StoreComposer: composer, MaxSize: n.MaxSize, BasePath: Path + "/",
		DisableDownload: true, DisableConcatenation: true,
		Cors:                       &handler.CorsConfig{Disable: true},
		Logger:                     xslog.New(xslog.NewTextHandler(io.Discard, nil)), // the server logs requests, the hooks log failures
		PreUploadCreateCallback:    u.create,
		PreFinishResponseCallback:  u.finish,
		PreUploadTerminateCallback: u.giveUp,
		NetworkTimeout:             idleBody,
		AcquireLockTimeout:         n.LockLimit,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare resumable uploads: %w", err)
	}
	u.tus = http.StripPrefix(Path, tus)
	u.drained = drain.Handler(http.HandlerFunc(u.serve), drain.UploadLimits(n.MaxSize))
	return u, nil
}

// create judges an upload before its first byte is sent, and enters its row.
func (u *Uploads) create(hook handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	c := callOf(hook.Context)
	row, err := u.judge(c.player, hook.Upload)
	if err == nil {
		err = u.Store.AddUpload(hook.Context, row)
	}
	if err != nil {
		u.Ended(err)
		return handler.HTTPResponse{}, handler.FileInfoChanges{}, c.refuse(err)
	}
	c.upload = row // the request may bring the whole file along
	answer := handler.HTTPResponse{Header: handler.HTTPHeader{"Upload-Expires": row.ExpiresAt.Format(http.TimeFormat)}}
	return answer, handler.FileInfoChanges{ID: row.ID, MetaData: handler.MetaData{}}, nil
}

func (u *Uploads) judge(p contest.Player, info handler.FileInfo) (contest.PartialUpload, error) {
	title, err := contest.CheckTitle(info.MetaData["title"])
	if err != nil {
		return contest.PartialUpload{}, err
	}
	if info.SizeIsDeferred || info.Size == 0 {
		return contest.PartialUpload{}, contest.ErrEmptyFile
	}
	declared := info.MetaData["filetype"]
	if err := contest.CheckDeclaredType(declared); err != nil {
		return contest.PartialUpload{}, err
	}
	now := u.Clock().UTC().Truncate(time.Second)
	return contest.PartialUpload{
		ID: contest.NewMediaToken(), PlayerID: p.ID, Title: title, DeclaredType: declared,
		Size: info.Size, ExpiresAt: now.Add(Life),
	}, nil
}

// finish takes a file that is whole into the contest. Whatever comes of it, the upload is over, except where the
// platform itself failed: then it is tried again when the client next asks.
func (u *Uploads) finish(hook handler.HookEvent) (handler.HTTPResponse, error) {
	c := callOf(hook.Context)
	v, err := u.accept(hook.Context, c.player, c.upload)
	if err != nil {
		return handler.HTTPResponse{}, c.refuse(err)
	}
	return handler.HTTPResponse{Header: handler.HTTPHeader{videoHeader: fmt.Sprint(v.ID)}}, nil
}

// giveUp forgets an upload before its files go; those that stay are swept.
func (u *Uploads) giveUp(hook handler.HookEvent) (handler.HTTPResponse, error) {
	if err := u.Store.DeleteUpload(hook.Context, hook.Upload.ID); err != nil {
		return handler.HTTPResponse{}, callOf(hook.Context).refuse(err)
	}
	return handler.HTTPResponse{}, nil
}

func (u *Uploads) accept(ctx context.Context, p contest.Player, row contest.PartialUpload) (contest.Video, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit) // the file is here, whoever hangs up
	defer cancel()
	v, err := u.acceptSecond(ctx, p, row)
	gone := error(nil)
	if err == nil || isRefusal(err) { // else it goes on
		u.Ended(err)
	}
	switch {
	case err == nil:
		gone = u.removeFiles(row.ID) // the row stays: the answer may be lost, and the client ask again
	case isRefusal(err):
		gone = u.remove(ctx, row.ID)
	}
	if gone != nil {
		u.Log.Error("remove a finished upload", "error", gone)
	}
	return v, err
}

// acceptSecond hands over a second name of the file, or a copy, since what is handed over is moved away: if the commit fails, or its
// answer is lost, the file is here when the client asks again.
func (u *Uploads) acceptSecond(ctx context.Context, p contest.Player, row contest.PartialUpload) (contest.Video, error) {
	path := u.path(row.ID) + secondSuffix
	defer func() { _ = os.Remove(path) }() // it is gone if it was moved; else the sweep tries again
	_ = os.Remove(path)                    // what a program that died has left
	if err := disk.LinkOrCopy(ctx, u.path(row.ID), path); err != nil {
		return contest.Video{}, fmt.Errorf("keep an upload: %w: %w", contest.ErrUnavailable, err)
	}
	return u.Videos.AcceptUpload(ctx, p, contest.Upload{
		Title: row.Title, Path: path, Size: row.Size, DeclaredType: row.DeclaredType, PartialID: row.ID,
	})
}

func (u *Uploads) path(id string) string { return filepath.Join(u.Dir, id) }

// infoPath is where the protocol's handler describes an upload.
func infoPath(dir, id string) string { return filepath.Join(dir, id+infoSuffix) }

// whole reports whether all bytes of an upload are there.
func (u *Uploads) whole(row contest.PartialUpload) bool {
	info, err := os.Stat(u.path(row.ID))
	return err == nil && info.Size() == row.Size
}

// remove forgets an upload and its files.
func (u *Uploads) remove(ctx context.Context, id string) error {
	return errors.Join(u.Store.DeleteUpload(ctx, id), u.removeFiles(id))
}

func (u *Uploads) removeFiles(id string) (err error) {
	for _, path := range []string{u.path(id), infoPath(u.Dir, id)} {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// Sweep removes the uploads whose time is over, finished or not, and files that belong to none. It returns how many
// uploads it removed.
func (u *Uploads) Sweep(ctx context.Context) (removed int, err error) {
	expired, err := u.Store.ExpiredUploads(ctx, u.Clock())
	if err != nil {
		return 0, err
	}
	for _, row := range expired {
		if err := u.remove(ctx, row.ID); err != nil {
			return removed, err
		}
		removed++
	}
	entries, err := os.ReadDir(u.Dir)
	if err != nil {
		return removed, fmt.Errorf("read the folder for uploads: %w", err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || u.Clock().Sub(info.ModTime()) < Life {
			continue // gone meanwhile, or perhaps under way
		}
		id := strings.TrimSuffix(entry.Name(), infoSuffix)
		if _, err := u.Store.Upload(ctx, id); errors.Is(err, contest.ErrNoVideo) {
			if err := u.remove(ctx, id); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}
