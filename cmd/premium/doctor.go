package main

import (
	"context"
	"errors"

	"premiumhls/internal/explain/doctor"
	"premiumhls/internal/localrun"
)

// A doctorCommand checks a whole site.
type doctorCommand struct {
	Stack  string   `placeholder:"NAME" help:"Check the site of this deployed stack."`
	Site   string   `placeholder:"URL" help:"Check the site at this address."`
	Token  string   `env:"PREMIUMHLS_TOKEN" placeholder:"TOKEN" help:"A viewer's ID token, to request cookies and a premium segment too."`
	Origin []string `sep:"none" placeholder:"ORIGIN" help:"Check that CORS allows this origin (repeatable). With --stack, the listed origins are checked anyway."`
	JSON   bool     `name:"json" help:"Print JSON."`
}

func (doctorCommand) Help() string {
	return `Requests the page, the catalog, a trailer, premium content without cookies and the sign-in, and checks CORS and response headers. With --token it also requests cookies and plays a premium segment. Without --stack and --site it checks the site of premium local. Exit code 0: healthy. 1: a check failed. 2: could not check.`
}

func (c doctorCommand) Run(ctx context.Context, s system) error {
	site, origins := c.Site, c.Origin
	switch {
	case c.Site != "" && c.Stack != "":
		return errors.New("set either --stack or --site, not both")
	case c.Stack != "":
		t, err := fromStack(ctx, c.Stack)
		if err != nil {
			return err
		}
		site, origins = t.Site, append(origins, listed(t)...)
	case c.Site == "":
		run, err := localrun.Find()
		if errors.Is(err, localrun.ErrNone) {
			return errors.New("no site: set --stack or --site, or run premium local")
		}
		if err != nil {
			return err
		}
		t, err := fromLocalRun(run)
		if err != nil {
			return err
		}
		site, origins = run.Site, append(origins, listed(t)...)
	}
	if _, err := absolute("--site", site); err != nil {
		return err
	}
	results := doctor.Check(ctx, doctor.Options{Site: site, Token: c.Token, Origins: origins})
	if err := printResults(s.out, site, results, c.JSON); err != nil {
		return err
	}
	if !doctor.Healthy(results) {
		return negative{}
	}
	return nil
}
