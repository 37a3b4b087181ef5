// Package uploads receives resumable uploads by the tus protocol (version 1.0.0): a client sends a file in pieces,
// and resumes at the last byte that arrived. A complete file is accepted by contest.Videos.AcceptUpload, like a file
// that arrives as one form.
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

// Path is where a client creates uploads. Each upload then has a URL below it.
const Path = "/api/uploads"

// videoHeader carries the id of the video that a complete upload has become.
const videoHeader = "Video-Id"

const (
	// Life is how long an upload may take from its creation, and how long its row is kept.
	Life = 24 * time.Hour

	idleBody    = 30 * time.Second
	finishLimit = 2 * time.Minute // limit for checking and storing a complete file
	infoSuffix  = ".info"

	secondSuffix = ".second"
)

// Store keeps a row for each upload from its creation until it expires or is refused. Each method is one transaction.
type Store interface {
	// AddUpload returns *contest.TooManyError or contest.ErrQuotaExceeded if the player may not have another upload.
	// The check is safe with concurrent calls.
	AddUpload(ctx context.Context, u contest.PartialUpload) error
	// Upload returns contest.ErrNoVideo if there is no such upload.
	Upload(ctx context.Context, id string) (contest.PartialUpload, error)
	ExpiredUploads(ctx context.Context, now time.Time) ([]contest.PartialUpload, error)
	DeleteUpload(ctx context.Context, id string) error
}

// Needs are the dependencies of Uploads.
type Needs struct {
	Store  Store
	Videos *contest.Videos
	// Caller finds the player who sent the request. It returns contest.ErrNotSignedIn if the request has no valid
	// token or session.
	Caller func(w http.ResponseWriter, r *http.Request) (contest.Player, error)
	// Room returns contest.ErrNoSpace if there is no free disk space for more files.
	Room    func() error
	Dir     string // folder of the partial files; it must survive restarts
	MaxSize int64  // bytes of a file
	MinRate int64  // minimum rate, in bytes per second; 0 for none
	// LockLimit is how long a request waits for the lock of an upload that another request uses; 0 for 20 s.
	LockLimit time.Duration
	Clock     contest.Clock
	Log       *slog.Logger
	// Received and Ended feed the metrics. Received gets the number of bytes read from a body. Ended is called once
	// per upload: with nil if it was accepted, else with the refusal.
	Received func(bytes int64)
	Ended    func(error)
}

// Uploads serves the tus protocol.
type Uploads struct {
	Needs
	locks   locker
	tus     http.Handler
	drained http.Handler // serve behind drain.Handler, so that it can answer before it has read the body
}

// New creates the folder and sets up the tus handler.
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

// create checks an upload before the client sends its first byte, and adds its row.
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
	c.upload = row // creation-with-upload: the request's body may be the whole file
	answer := handler.HTTPResponse{Header: handler.HTTPHeader{"Upload-Expires": row.ExpiresAt.Format(http.TimeFormat)}}
	return answer, handler.FileInfoChanges{ID: row.ID, MetaData: handler.MetaData{}}, nil
}

// judge checks the title, the size and the declared media type, and makes the row of a new upload.
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

// finish accepts a complete file into the contest. If the file is accepted or refused, the upload is over. If the
// platform failed, the upload stays, and the client's next HEAD or PATCH tries again (see settle).
func (u *Uploads) finish(hook handler.HookEvent) (handler.HTTPResponse, error) {
	c := callOf(hook.Context)
	v, err := u.accept(hook.Context, c.player, c.upload)
	if err != nil {
		return handler.HTTPResponse{}, c.refuse(err)
	}
	return handler.HTTPResponse{Header: handler.HTTPHeader{videoHeader: fmt.Sprint(v.ID)}}, nil
}

// giveUp deletes the row before the tus handler deletes the files. If files remain, Sweep removes them.
func (u *Uploads) giveUp(hook handler.HookEvent) (handler.HTTPResponse, error) {
	if err := u.Store.DeleteUpload(hook.Context, hook.Upload.ID); err != nil {
		return handler.HTTPResponse{}, callOf(hook.Context).refuse(err)
	}
	return handler.HTTPResponse{}, nil
}

// accept passes a complete file to the contest. If it is accepted, the files are removed and the row stays until it
// expires. If it is refused, both are removed. After any other error both stay, so that the client can retry.
func (u *Uploads) accept(ctx context.Context, p contest.Player, row contest.PartialUpload) (contest.Video, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit) // accept it even if the client disconnects
	defer cancel()
	v, err := u.acceptSecond(ctx, p, row)
	gone := error(nil)
	if err == nil || isRefusal(err) { // any other error: the upload goes on
		u.Ended(err)
	}
	switch {
	case err == nil:
		gone = u.removeFiles(row.ID) // the row stays: if the answer is lost, the client asks again
	case isRefusal(err):
		gone = u.remove(ctx, row.ID)
	}
	if gone != nil {
		u.Log.Error("remove a finished upload", "error", gone)
	}
	return v, err
}

// acceptSecond passes AcceptUpload a hard link to the file, or a copy, because AcceptUpload moves the file away. If
// its commit fails, or the commit's outcome is unknown, the file is still here when the client asks again.
func (u *Uploads) acceptSecond(ctx context.Context, p contest.Player, row contest.PartialUpload) (contest.Video, error) {
	path := u.path(row.ID) + secondSuffix
	defer func() { _ = os.Remove(path) }() // AcceptUpload has moved it, or it is removed here, else by Sweep
	_ = os.Remove(path)                    // a crashed program may have left it
	if err := disk.LinkOrCopy(ctx, u.path(row.ID), path); err != nil {
		return contest.Video{}, fmt.Errorf("keep an upload: %w: %w", contest.ErrUnavailable, err)
	}
	return u.Videos.AcceptUpload(ctx, p, contest.Upload{
		Title: row.Title, Path: path, Size: row.Size, DeclaredType: row.DeclaredType, PartialID: row.ID,
	})
}

func (u *Uploads) path(id string) string { return filepath.Join(u.Dir, id) }

// infoPath is the file in which the tus handler stores the description of an upload.
func infoPath(dir, id string) string { return filepath.Join(dir, id+infoSuffix) }

// whole reports whether all bytes of an upload have arrived.
func (u *Uploads) whole(row contest.PartialUpload) bool {
	info, err := os.Stat(u.path(row.ID))
	return err == nil && info.Size() == row.Size
}

// remove deletes the row and the files of an upload.
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

// Sweep deletes expired uploads, complete or not, and files older than Life without a row. It returns how many
// uploads it deleted.
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
			continue // deleted during the loop, or possibly in use
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
