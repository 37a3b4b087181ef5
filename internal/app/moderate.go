package app

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"time"

	"risingstars/internal/contest"
	"risingstars/internal/web/lang"
	"risingstars/internal/web/problem"
)

// act are the flags of all moderation commands.
type act struct {
	Reason string `required:"" placeholder:"TEXT" help:"Why. The audit log keeps it for good, so name nobody in it."`
	As     string `placeholder:"NAME" help:"Who decides, for the audit log: the system's user by default."`
	Yes    bool   `help:"Do not ask."`
	DryRun bool   `help:"Show what would change, and change nothing."`
}

// errNotConfirmed is returned if the organizer does not confirm.
var errNotConfirmed = errors.New("nothing was changed")

// moderation opens the contest and runs a moderation action. Servers that share Redis invalidate their caches at
// once; the cached answers of others expire within a second.
func (c act) moderation(r *runner, do func(*contest.Moderation, *data, contest.Decision) (report, error)) error {
	return withContest(r, func(d *data, l contest.Live) error {
		m := &contest.Moderation{Store: d.store, Live: l, Clock: time.Now}
		return c.decide(r, func(decision contest.Decision) (report, error) { return do(m, d, decision) })
	})
}

// decide shows the effect of do with a dry run, asks for confirmation, calls do again without the dry run, and shows
// the result.
func (c act) decide(r *runner, do func(contest.Decision) (report, error)) error {
	decision := contest.Decision{By: cmp.Or(c.As, systemUser()), Reason: c.Reason, DryRun: true}
	if !c.Yes || c.DryRun {
		would, err := do(decision)
		if err != nil {
			return inFlags(err)
		}
		would.print(r.out, "would be ")
		if c.DryRun {
			return nil
		}
		if err := confirm(r); err != nil {
			return err
		}
	}
	decision.DryRun = false
	done, err := do(decision)
	if err != nil {
		return inFlags(err)
	}
	done.print(r.out, "")
	for _, line := range done.notes {
		fmt.Fprintln(r.errOut, line)
	}
	return nil
}

// inFlags replaces the field names in a validation error by the flags of the command.
func inFlags(err error) error {
	var invalid *contest.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	var list []error
	for _, f := range invalid.Fields {
		switch f.Name {
		case "origin":
			list = append(list, errors.New("name the votes by --cluster or by --voter"))
		case "video":
			list = append(list, errors.New("--cluster needs --video or --player: one origin may be a whole school's"))
		default:
			list = append(list, fmt.Errorf("--%s: %s", f.Name, problem.FaultText(f, lang.English)))
		}
	}
	return errors.Join(list...)
}

// systemUser returns the name of the user that runs the program.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return fmt.Sprintf("user %d", os.Getuid())
	}
	return u.Username
}

// confirm asks for confirmation if there is a terminal, and fails if there is none.
func confirm(r *runner) error {
	if !atTerminal() {
		return errors.New("nobody is there to confirm it: give --yes, or --dry-run to see what would change")
	}
	return agreed(os.Stdin, r.errOut)
}

// atTerminal reports whether standard input is a terminal. /dev/null is a character device too, but does not count.
func atTerminal() bool {
	input, err := os.Stdin.Stat()
	nothing, lost := os.Stat(os.DevNull)
	return err == nil && input.Mode()&os.ModeCharDevice != 0 && (lost != nil || !os.SameFile(input, nothing))
}

// agreed returns nil if the answer is yes.
func agreed(in io.Reader, out io.Writer) error {
	fmt.Fprint(out, "Do it? [y/N] ")
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "s", "sí", "si":
		return nil
	}
	return errNotConfirmed
}

// report is what a command prints about its effect.
type report struct {
	account string // the account's new state, such as "shut"; "" if only videos or votes change
	votes   string // the new state of the votes, such as "void"
	effects []contest.Effect
	notes   []string // further information for the organizer
}

// print prints the effects. trial is "would be " for a dry run, and "" otherwise.
func (p report) print(out io.Writer, trial string) {
	is := cmp.Or(trial, "is ")
	for _, e := range p.effects {
		who := fmt.Sprintf("%s (player %d)", printable(e.Player.PublicName()), e.Player.ID)
		if p.account != "" {
			fmt.Fprintf(out, "the account of %s %s%s\n", who, is, p.account)
		}
		for _, v := range e.Videos {
			fmt.Fprintf(out, "video %d, %q of %s, %s%s\n", v.ID, v.Title, who, is, visible(v))
		}
		if e.Votes > 0 || e.After != e.Before {
			fmt.Fprintf(out, "votes for %s: %d %s%s; in the ranking: %s, before: %s\n", who, e.Votes, trial, p.votes, standing(e.After), standing(e.Before))
		}
	}
}

func visible(v contest.Video) string {
	if v.Hidden == contest.NotHidden {
		return "public again"
	}
	return "hidden"
}

func standing(t contest.PlayerScore) string {
	if t.Position == 0 {
		return "no place"
	}
	return fmt.Sprintf("place %d, votes: %d", t.Position, t.Votes)
}
