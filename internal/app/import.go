package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"risingstars/internal/config"
	"risingstars/internal/jobs"
	"risingstars/internal/store"
)

type importing struct {
	From string `required:"" placeholder:"DIR" help:"The DATA_DIR of the contest that is on SQLite. No server may run there."`
}

// AfterApply sets SECRET_KEY from the contest to import if it was not given, because settings with DATABASE_URL
// require a secret.
func (c *commands) AfterApply() error {
	if c.Import.From == "" || c.SecretKey != "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(c.Import.From, secretName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the contest's secret: %w", err)
	}
	c.SecretKey = strings.TrimSpace(string(text))
	return nil
}

const secretName = "secret.key"

// Run imports the contest, which no other process may have open, and prints what the operator must do next.
func (c importing) Run(r *runner) (err error) {
	if r.settings.DatabaseURL == "" {
		return errors.New("import needs DATABASE_URL: the PostgreSQL to move the contest to")
	}
	from := *r.settings
	from.DatabaseURL, from.DataDir = "", c.From
	if _, err := os.Stat(databasePath(&from)); err != nil {
		return fmt.Errorf("there is no contest in %s; is --from right? %w", c.From, err)
	}
	unlock, err := lockData(&from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	moved, err := importData(r, &from)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "%d players, %d videos and %d votes are in %s now; %d videos wait to be processed.\n",
		moved.Players, moved.Videos, moved.Votes, config.MaskedURL(r.settings.DatabaseURL), moved.Queued)
	fmt.Fprint(r.out, "What is in ", c.From, " is as it was. Do not serve from it again. Next, for all processes:\n")
	sayNext(r, &from)
	return nil
}

func importData(r *runner, source *config.Settings) (moved store.Imported, err error) {
	from, err := openDatabase(r.ctx, source)
	if err != nil {
		return moved, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := openDatabase(r.ctx, r.settings)
	if err != nil {
		return moved, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	queue, err := jobs.NewQueue(queueOf(to))
	if err != nil {
		return moved, err
	}
	move := store.Import{From: from, To: to, Queue: queue, Progress: func(table string, rows, inAll int64) {
		fmt.Fprintf(r.errOut, "%s: %d of %d\n", table, rows, inAll)
	}}
	return move.Run(r.ctx)
}

// sayNext prints which settings the imported contest needs. It never prints a secret.
func sayNext(r *runner, from *config.Settings) {
	secret, media := from.InData(secretName), from.InData("media")
	if there(secret) {
		fmt.Fprintf(r.out, "  SECRET_KEY   set it to the content of %s (SECRET_KEY_FILE=%s);\n"+
			"               with another, everybody must sign in again\n", secret, secret)
	} else {
		fmt.Fprintln(r.out, "  SECRET_KEY   the one that the contest had; with another, everybody must sign in again")
	}
	if !there(media) {
		fmt.Fprintln(r.out, "  STORAGE_URL  the one that the contest had")
		return
	}
	if absolute, err := filepath.Abs(media); err == nil {
		media = absolute
	}
	folder := url.URL{Scheme: "file", Path: media}
	fmt.Fprintf(r.out, "  STORAGE_URL  set it to %s, which all processes must see; or copy the media with\n"+
		"               risingstars storage copy %s TO\n               and set it to TO\n", folder.String(), folder.String())
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
