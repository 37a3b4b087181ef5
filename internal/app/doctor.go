package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"risingstars/internal/blob"
	"risingstars/internal/config"
	"risingstars/internal/store"
)

type doctor struct {
	Settings bool `help:"Show all settings as well, with passwords and secrets left out."`
}

// finding is the result of one check. A problem that is not fatal is a warning.
type finding struct {
	part   string
	is     string // what was found
	mend   string // what to do; "" if there is no problem
	broken bool
}

// Run checks every part and prints what to do about each problem.
func (d doctor) Run(r *runner) error {
	broken := 0
	misspelt := func(context.Context, *config.Settings) []finding { return misspeltFindings(r.misspelt) }
	for _, check := range []func(context.Context, *config.Settings) []finding{
		misspelt, checkListen, checkData, checkRedis, checkDisk, checkFFmpeg, checkBrand,
	} {
		for _, f := range check(r.ctx, r.settings) {
			if f.broken {
				broken++
			}
			f.print(r.out)
		}
	}
	if d.Settings {
		printSettings(r.out, r.settings)
	}
	if broken > 0 {
		return fmt.Errorf("%d of the parts do not work", broken)
	}
	_, err := fmt.Fprintln(r.out, "All that the platform needs is there.")
	return err
}

func (f finding) print(out io.Writer) {
	mark := "ok  "
	if f.mend != "" {
		mark = "warn"
	}
	if f.broken {
		mark = "FAIL"
	}
	fmt.Fprintf(out, "%s  %-9s %s\n", mark, f.part, f.is)
	if f.mend != "" {
		fmt.Fprintf(out, "                → %s\n", f.mend)
	}
}

func printSettings(out io.Writer, s *config.Settings) {
	fmt.Fprintln(out, "Settings:")
	for _, line := range s.Masked() {
		if line.Value != "" {
			fmt.Fprintf(out, "  %s = %s\n", line.Name, line.Value)
		}
	}
}

func misspeltFindings(list []config.Misspelt) []finding {
	var findings []finding
	for _, m := range list {
		findings = append(findings, finding{"setting", m.Name + " is none, and is not read", "write " + m.Meant + " if that is meant", false})
	}
	return findings
}

// checkData checks the data without changing anything: it only says what serve would create.
func checkData(ctx context.Context, s *config.Settings) []finding {
	data := dataFinding(s)
	if data.broken {
		return []finding{data}
	}
	list := append([]finding{data}, checkDatabase(ctx, s)...)
	return append(list, storageFinding(ctx, s), secretFinding(s), passwordFinding(s))
}

func checkDatabase(ctx context.Context, s *config.Settings) []finding {
	if _, err := os.Stat(databasePath(s)); s.DatabaseURL == "" && errors.Is(err, fs.ErrNotExist) {
		return []finding{
			{part: "database", is: "SQLite, not there yet: serve makes " + databasePath(s)}, clockFinding(ctx, s, &store.DB{Engine: store.SQLite}),
		}
	}
	db, err := openDatabase(ctx, s)
	if err != nil {
		mend := "restore the database from a backup"
		if s.DatabaseURL != "" {
			mend = "mend DATABASE_URL"
		}
		return []finding{{"database", err.Error(), mend, true}}
	}
	list := []finding{databaseFinding(ctx, s, db), clockFinding(ctx, s, db)}
	if err := db.Close(); err != nil {
		list = append(list, finding{"database", err.Error(), "check the disk", true})
	}
	return list
}

// maxSkew is the tolerated difference between the clocks of two hosts, because hosts verify each other's tokens and
// links.
const maxSkew = 2 * time.Second

// clockFinding compares this host's clock with the database server's or, on SQLite, with the year in which this
// program was first written.
func clockFinding(ctx context.Context, s *config.Settings, db *store.DB) finding {
	now := time.Now().UTC()
	f := finding{part: "clock", is: now.Format(time.RFC3339)}
	if db.Engine == store.Postgres {
		server, err := db.Clock(ctx)
		if err != nil {
			return finding{"clock", explained(s, err).Error(), "first see to the database", false}
		}
		skew := time.Since(server).Round(time.Millisecond)
		f.is = fmt.Sprintf("%s, %s ahead of the database's", f.is, skew)
		if skew.Abs() > maxSkew {
			f.mend = "let NTP set the clocks of all hosts (timedatectl set-ntp true): tokens and links expire by them"
		}
		return f
	}
	if now.Year() < oldestYear {
		f.mend = "let NTP set the clock (timedatectl set-ntp true): tokens and links expire by it"
	}
	return f
}

const oldestYear = 2026

// oldestServer is the oldest supported server_version_num of PostgreSQL.
const oldestServer = 150000

func databaseFinding(ctx context.Context, s *config.Settings, db *store.DB) finding {
	engine, mend := "SQLite", "restore the database from a backup"
	if db.Engine == store.Postgres {
		mend = "check DATABASE_URL, that the server runs, and that this host and user may connect"
		text, number, err := db.ServerVersion(ctx)
		if err != nil {
			return finding{"database", explained(s, err).Error(), mend, true}
		}
		engine = "PostgreSQL " + text
		if number < oldestServer {
			return finding{"database", engine, "use PostgreSQL 15 or newer", true}
		}
	}
	schema, err := store.ReadSchema(ctx, db)
	f := finding{part: "database", is: fmt.Sprintf("%s, tables at version %d, job queue at %d", engine, schema.Contest, schema.Queue)}
	switch {
	case err != nil:
		return finding{"database", err.Error(), mend, true}
	case schema.Newer():
		f.mend, f.broken = "a newer program made these tables: use that one", true
	case !schema.Current():
		f.mend = "risingstars migrate brings them up to date; serve does so at its start"
	}
	return f
}

func storageFinding(ctx context.Context, s *config.Settings) finding {
	where, err := s.Media()
	setting := "STORAGE_URL"
	if s.StorageURL == "" {
		setting = "DATA_DIR"
	}
	if err == nil && where.Dir != "" {
		if there, _ := existing(where.Dir); there != where.Dir {
			return folderFinding("storage", where.Dir, setting, s.StorageURL != "")
		}
	}
	if err == nil {
		var blobs storage
		if blobs, err = openStorage(s, where); err == nil {
			err = blobs.Check(ctx)
		}
	}
	if err != nil && where.Dir == "" {
		return finding{"storage", err.Error(), blob.AdviceFor(err), true}
	}
	if err != nil {
		return finding{"storage", err.Error(), "let this user write to " + where.Dir + ", or name another folder as " + setting, true}
	}
	return finding{part: "storage", is: where.String() + " can be written, read and cleared"}
}

// safeCost is the lowest bcrypt cost that makes guessing passwords from a stolen database slow enough.
const safeCost = 10

func passwordFinding(s *config.Settings) finding {
	f := finding{part: "passwords", is: fmt.Sprintf("bcrypt with a work factor of %d", s.PasswordCost)}
	if s.PasswordCost < safeCost {
		f.mend = fmt.Sprintf("set PASSWORD_COST to %d or more: less is for tests", safeCost)
	}
	return f
}

func secretFinding(s *config.Settings) finding {
	if s.SecretKey != "" {
		return finding{part: "secret", is: "SECRET_KEY is given"}
	}
	if _, err := os.Stat(s.InData("secret.key")); err != nil {
		return finding{part: "secret", is: "will be generated at the first start"}
	}
	if _, err := s.Secret(); err != nil {
		return finding{"secret", err.Error(), "restore secret.key from a backup", true}
	}
	return finding{part: "secret", is: "kept in " + s.InData("secret.key")}
}

// lowDisk is how much disk space should be free, in bytes: for the work files of some uploads and renders, and for
// their results.
const lowDisk = 5 << 30

func checkDisk(_ context.Context, s *config.Settings) []finding {
	where, err := s.Media()
	if err != nil {
		return nil // storageFinding has reported it
	}
	dir := where.Dir
	if dir == "" {
		dir = s.InData("media") // the media are in the bucket; only DATA_DIR has work files
	}
	var list []finding
	for _, path := range []string{s.DataDir, dir} {
		there, _ := existing(path)
		if !keepsFiles(there) {
			continue // dataFinding has reported it
		}
		free, err := freeBytes(there)
		if err != nil {
			list = append(list, finding{"disk", err.Error(), "make the folder", true})
			continue
		}
		f := finding{part: "disk", is: fmt.Sprintf("%.1f GiB free for %s", float64(free)/(1<<30), path)}
		if free < uint64(s.MinFreeBytes) { // is not negative
			f.mend = fmt.Sprintf("free some, or lower MIN_FREE_BYTES: uploads are refused while less than %.1f GiB are free", float64(s.MinFreeBytes)/(1<<30))
			f.broken = true
		} else if free < lowDisk {
			f.mend = fmt.Sprintf("free some: less than %d GiB are left", lowDisk>>30)
		}
		list = append(list, f)
		if dir == s.InData("media") {
			break // the same file system
		}
	}
	return list
}

func checkBrand(_ context.Context, s *config.Settings) []finding {
	if s.BrandCurtain == "" && s.BrandWatermark == "" {
		return nil
	}
	if _, err := loadBrand(s); err != nil {
		return []finding{{"brand", err.Error(), "serve does not start with it", true}}
	}
	return []finding{{part: "brand", is: "the organizer's own images can be shown"}}
}
