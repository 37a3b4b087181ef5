package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"risingstars/internal/auth"
	"risingstars/internal/contest"
	"risingstars/internal/media"
	"risingstars/internal/store"
)

// password is everybody's.
const password = "salto-y-canasta"

// person is somebody whom a run has signed up beforehand.
type person struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Token string `json:"token,omitempty"`
}

// seeder fills a target before its processes start, through the program's own store.
type seeder struct {
	*target
	store *store.Store
	hash  string
	work  string
}

// noQueue enters no jobs: what is seeded has been processed.
type noQueue struct{}

func (noQueue) EnqueueTx(context.Context, *sql.Tx, contest.ProcessVideo, int) (string, error) {
	return "seed", nil
}

func newSeeder(t *target, cost int) *seeder {
	passwords, err := auth.NewPasswords(cost, 1)
	t.must(err, "prepare passwords")
	hash, err := passwords.Hash(t.ctx, password)
	t.must(err, "hash the password")
	return &seeder{target: t, store: store.New(t.db, store.Options{Queue: noQueue{}}), hash: hash, work: t.TempDir()}
}

// people signs up so many. Where tokens are wanted each has one, as if signed in.
func (s *seeder) people(kind string, n int, tokens bool) []person {
	issuer := auth.NewTokens(s.secret, 24*time.Hour, time.Now)
	list := make([]person, n)
	for i := range list {
		p, err := s.store.AddPlayer(s.ctx, contest.Player{
			FirstName: "Valentina", LastName: fmt.Sprintf("Ríos %d", i+1), Email: fmt.Sprintf("%s%d@example.com", kind, i+1),
			City: fmt.Sprintf("Ciudad %d", i%50), CreatedAt: time.Now().UTC(),
		}, s.hash)
		s.must(err, "sign somebody up")
		list[i] = person{ID: p.ID, Email: p.Email}
		if tokens {
			list[i].Token, _, err = issuer.Issue(p.ID, 0)
			s.must(err, "issue a token")
		}
	}
	return list
}

// stars makes people with a public video each, which all show the same clip, and returns the videos' ids.
func (s *seeder) stars(n int, c rendered) []int64 {
	ids := make([]int64, n)
	for i, p := range s.people("star", n, false) {
		m := contest.Media{Token: contest.NewToken(), Format: contest.MP4, Size: c.size}
		v, err := s.store.AddVideo(s.ctx, contest.Video{
			PlayerID: p.ID, Title: "Triple desde la esquina", Status: contest.Uploaded, UploadedAt: time.Now().UTC(), Media: m,
		})
		s.must(err, "enter a video")
		run := contest.Run{VideoID: v.ID, TaskID: v.TaskID, Holder: contest.NewToken()}
		_, err = s.store.BeginProcessing(s.ctx, run)
		s.must(err, "begin a video")
		m.Run = contest.NewToken()
		s.link(m.Original(), c.original)
		s.link(m.Clip(), c.clip)
		s.link(m.Poster(), c.poster)
		_, err = s.store.FinishProcessing(s.ctx, run, m.Run, time.Now().UTC(), func(*sql.Tx) error { return nil })
		s.must(err, "finish a video")
		_, err = s.store.Publish(s.ctx, v.ID, time.Now().UTC())
		s.must(err, "publish a video")
		ids[i] = v.ID
	}
	return ids
}

// link puts another name of a file, or a copy of it, under a key.
func (s *seeder) link(key, path string) {
	name := filepath.Join(s.work, "object")
	if os.Link(path, name) != nil {
		text, err := os.ReadFile(path)
		s.must(err, "read a file")
		s.must(os.WriteFile(name, text, 0o600), "copy a file")
	}
	s.must(s.media.PutFile(s.ctx, key, name), "store a file")
}

// writePeople writes the people as the generators read them: emails a line, and as JSON.
func writePeople(dir string, people []person) (emails, all string, err error) {
	emails, all = filepath.Join(dir, "people.txt"), filepath.Join(dir, "people.json")
	var lines strings.Builder
	for _, p := range people {
		lines.WriteString(p.Email + "\n")
	}
	if err := os.WriteFile(emails, []byte(lines.String()), 0o600); err != nil {
		return "", "", fmt.Errorf("write the people: %w", err)
	}
	text, err := json.Marshal(people)
	if err == nil {
		err = os.WriteFile(all, text, 0o600)
	}
	if err != nil {
		return "", "", fmt.Errorf("write the people: %w", err)
	}
	return emails, all, nil
}

// rendered is a clip with what processing makes of it.
type rendered struct {
	original, clip, poster string
	size                   int64
}

// render makes of a clip what a worker would.
func render(ctx context.Context, tools media.Tools, dir, original string) (rendered, error) {
	r := rendered{original: original, clip: filepath.Join(dir, "clip.mp4"), poster: filepath.Join(dir, "poster.jpg")}
	job, err := renderOf(ctx, tools, dir, original)
	if err != nil {
		return rendered{}, err
	}
	job.Dest, job.Poster = r.clip, r.poster
	if _, err := tools.Render(ctx, job); err != nil {
		return rendered{}, fmt.Errorf("render a clip: %w", err)
	}
	stat, err := os.Stat(original)
	if err != nil {
		return rendered{}, fmt.Errorf("render a clip: %w", err)
	}
	r.size = stat.Size()
	return r, nil
}

// renderOf is the rendering of a clip with the contest's own brand, but for where it goes.
func renderOf(ctx context.Context, tools media.Tools, dir, original string) (media.Render, error) {
	brand, err := media.LoadBrand("", "")
	if err != nil {
		return media.Render{}, err
	}
	files, err := brand.WriteTo(dir)
	if err != nil {
		return media.Render{}, err
	}
	clip, err := tools.Probe(ctx, original)
	return media.Render{Clip: clip, Source: original, Brand: files}, err
}
