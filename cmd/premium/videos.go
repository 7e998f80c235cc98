package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"premiumhls/internal/catalog"
	"premiumhls/internal/localrun"
	"premiumhls/internal/videos"
)

const siteHelp = `Without --stack, it works with the site of premium local. Region and credentials are found as the AWS CLI finds them (AWS_REGION, AWS_PROFILE and so on). The stack needs "ingest": true.`

// siteFlags name a site with ingest.
type siteFlags struct {
	Stack    string `placeholder:"NAME" help:"The deployed CloudFormation stack."`
	LocalRun string `name:"run" placeholder:"PORT" help:"The port of premium local, if it runs more than once."`
}

// site finds the stack, or the local run.
func (f siteFlags) site(ctx context.Context) (*videos.Site, error) {
	switch {
	case f.Stack == "":
		return localSite(f.LocalRun)
	case f.LocalRun != "":
		return nil, errors.New("set either --stack or --run, not both")
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if account.Region == "" {
		return nil, errors.New("no AWS region: set AWS_REGION, or a profile that has one")
	}
	described, err := cloudformation.NewFromConfig(account).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &f.Stack})
	if err != nil {
		return nil, fmt.Errorf("reading stack %s in %s: %w", f.Stack, account.Region, err)
	}
	outputs := map[string]string{}
	for _, stack := range described.Stacks {
		for _, output := range stack.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	site := &videos.Site{S3: s3.NewFromConfig(account, func(o *s3.Options) {
		o.UsePathStyle = os.Getenv("AWS_ENDPOINT_URL_S3") != "" // a test's endpoint has no host names for buckets
		o.DisableLogOutputChecksumValidationSkipped = true
	}), Lambda: lambda.NewFromConfig(account), SQS: sqs.NewFromConfig(account)}
	if err := site.Read(outputs); err != nil {
		return nil, fmt.Errorf("stack %s: %w", f.Stack, err)
	}
	return site, nil
}

func localSite(port string) (*videos.Site, error) {
	run, err := localrun.Find(port)
	if errors.Is(err, localrun.ErrNone) {
		return nil, errors.New("no site: set --stack, or run premium local -c ingest=true")
	}
	if err != nil {
		return nil, err
	}
	owner := credentials.NewStaticCredentialsProvider(run.AccessKeyID, run.SecretAccessKey, "")
	site, err := videos.NewLocal(run.Region, run.Endpoints, run.Outputs, owner)
	if err != nil {
		return nil, fmt.Errorf("local run %s: %w", run.Site, errors.New(`the stack makes no courses of films: run premium local -c ingest=true`))
	}
	site.URL = run.Site
	return site, nil
}

type uploadCommand struct {
	siteFlags
	Dir      string `arg:"" help:"Folder with the films of one course, and their captions, posters and metadata."`
	Course   string `placeholder:"NAME" help:"Name of the course (default: the folder's name)."`
	Parallel int    `default:"3" help:"Files uploaded at once (${default})."`
}

func (uploadCommand) Help() string {
	return `Uploads LESSON.mp4 (or .mov, .mkv, .webm), LESSON.LANGUAGE.vtt or .srt, LESSON.jpg, LESSON.json and course.json, then waits until each lesson plays. Files that the bucket already has are skipped, and interrupted uploads go on. Ctrl-C while it waits stops the waiting only. Exit code 1: a lesson failed.

Needs s3:GetObject, PutObject, AbortMultipartUpload and ListMultipartUploadParts on the bucket's uploads/*, s3:GetObject on ingest/*, s3:ListBucket and ListBucketMultipartUploads on the bucket, cloudformation:DescribeStacks, and for files that were in the bucket before ingest, lambda:InvokeFunction on the ingest function.

    premium upload --stack PremiumHls --course "Sailor's Knots" ~/films/knots

` + siteHelp
}

func (c uploadCommand) Run(ctx context.Context, s system) error {
	if c.Parallel < 1 || c.Parallel > 32 {
		return fmt.Errorf("parallel: invalid value %d: must be between 1 and 32", c.Parallel)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("invalid value %s: must be a folder with films", c.Dir)
	}
	files, others, err := videos.Find(dir, cmp.Or(c.Course, filepath.Base(dir)))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no film, captions, poster or metadata", c.Dir)
	}
	site, err := c.site(ctx)
	if err != nil {
		return err
	}
	for _, name := range others {
		fmt.Fprintf(s.out, "%s: skipped: not a film, captions, poster or metadata\n", printable(name))
	}
	began := s.now().Add(-time.Minute) // the clocks differ
	err = upload(ctx, s.out, site, files, c.Parallel)
	if ctx.Err() != nil {
		return errors.New("interrupted: run the command again to upload the rest")
	}
	if err != nil {
		return err
	}
	err = follow(ctx, s.out, site, files, began)
	if ctx.Err() != nil {
		return errors.New("interrupted: the films are uploaded and encoded nevertheless; premium videos lists them")
	}
	return err
}

// upload uploads files, with a bar for each that is under way and one for all.
func upload(ctx context.Context, out io.Writer, site *videos.Site, files []videos.File, parallel int) error {
	d := newDisplay(out)
	var total int64
	for _, f := range files {
		total += f.Size
	}
	all := d.total("all files", total, bytesOfBytes)
	var group sync.WaitGroup
	slots := make(chan struct{}, parallel)
	errs := make([]error, len(files))
	for i := range files {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			name := printable(files[i].Name())
			bar := d.bar(name, files[i].Size, bytesOfBytes)
			errs[i] = videos.Uploader{Site: site}.Upload(ctx, &files[i], func(n int64) {
				bar.add(n)
				all.add(n)
			})
			switch {
			case errs[i] != nil:
				d.line("%s: not uploaded", name)
			case files[i].Sent:
				d.line("%s: uploaded", name)
			default:
				d.line("%s: already uploaded", name)
				errs[i] = receive(ctx, site, files[i])
			}
			bar.remove()
		})
	}
	group.Wait()
	all.remove()
	d.wait()
	return errors.Join(errs...)
}

// receive makes the function process a file that the bucket had, unless it already
// has: the file may be older than ingest, or its event was lost.
func receive(ctx context.Context, site *videos.Site, f videos.File) error {
	known, err := site.Known(ctx, f)
	if known || err != nil {
		return err
	}
	return site.Receive(ctx, f)
}

// follow waits for the lessons of films.
func follow(ctx context.Context, out io.Writer, site *videos.Site, files []videos.File, since time.Time) error {
	d := newDisplay(out)
	films := slices.DeleteFunc(slices.Clone(files), func(f videos.File) bool { return f.Upload.Kind != catalog.Film })
	all := d.total("all lessons", int64(len(films)), countOfCount)
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	failures := 0
	for _, f := range films {
		group.Go(func() {
			path := f.Upload.Path()
			var bar bar
			state := catalog.State("")
			r, err := videos.Follower{Site: site}.Wait(ctx, f, since, func(r catalog.Record) {
				if r.Job != nil && r.Job.Percent > 0 && bar.Bar == nil { // hundreds may wait
					bar = d.bar(path, 100, percent)
				}
				if r.Job != nil {
					bar.set(int64(r.Job.Percent))
				}
				if r.State != state && (r.State == catalog.Encoding || r.State == catalog.Publishing) {
					d.line("%s: %s", path, r.State)
				}
				state = r.State
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s: %w", path, err))
			case r.State == catalog.Failed:
				failures++
				d.line("%s: failed: %s", path, printable(r.Reason))
			case r.State == catalog.Playing:
				d.line("%s: plays at %s", path, site.PageURL(path))
			default:
				d.line("%s: %s", path, r.State)
			}
			for _, note := range r.Notes {
				d.line("%s: note: %s", path, printable(note))
			}
			bar.remove()
			all.add(1)
		})
	}
	group.Wait()
	all.remove()
	d.wait()
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if failures > 0 {
		return negative{fmt.Sprintf("%d of %d lessons failed", failures, len(films))}
	}
	return nil
}

type videosCommand struct {
	siteFlags
	JSON bool `name:"json" help:"Print JSON."`
}

func (videosCommand) Help() string {
	return `Lists courses and lessons with their state: waiting (no film yet), encoding, publishing, playing, draft, or failed with the reason; notes about files that were not used; and uploads that belong to no lesson. Needs s3:GetObject on the bucket's ingest/*, s3:ListBucket, and cloudformation:DescribeStacks.

` + siteHelp
}

func (c videosCommand) Run(ctx context.Context, s system) error {
	site, err := c.site(ctx)
	if err != nil {
		return err
	}
	listing, err := site.List(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, listing)
	}
	if len(listing.Courses) == 0 && len(listing.Problems) == 0 {
		fmt.Fprintln(s.out, "No videos. Upload some: premium upload --course NAME DIR")
		return nil
	}
	columns := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "LESSON\tSTATE\tDURATION\tTITLE")
	var below []string
	for _, course := range listing.Courses {
		for _, r := range course.Lessons {
			path, state, duration := r.Course+"/"+r.Lesson, string(r.State), ""
			switch {
			case r.State == catalog.Encoding && r.Job != nil:
				state = fmt.Sprintf("%s %d%%", r.State, r.Job.Percent)
			case r.Current != nil && r.State == catalog.Playing && r.Current.Free:
				state += ", free"
			}
			if r.Current != nil {
				duration = (time.Duration(r.Current.Duration) * time.Second).String()
			}
			fmt.Fprintf(columns, "%s\t%s\t%s\t%s\n", path, state, duration, printable(cmp.Or(r.Metadata.Title, r.LessonName)))
			if r.Reason != "" {
				below = append(below, path+": "+r.Reason)
			}
			for _, note := range r.Notes {
				below = append(below, path+": "+note)
			}
		}
		if course.Record.Note != "" {
			below = append(below, course.Path+": "+course.Record.Note)
		}
	}
	for _, p := range listing.Problems {
		below = append(below, p.Key+": "+p.Reason)
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	if len(below) > 0 {
		fmt.Fprintln(s.out)
	}
	for _, line := range below {
		fmt.Fprintln(s.out, printable(line))
	}
	return nil
}

// lessonCommand sends one command about a lesson.
type lessonCommand struct {
	siteFlags
	Path string `arg:"" help:"The lesson: COURSE/LESSON, as premium videos lists it."`
}

func (c lessonCommand) send(ctx context.Context, s system, command string) error {
	if err := videos.CheckPath(c.Path); err != nil {
		return err
	}
	site, err := c.site(ctx)
	if err != nil {
		return err
	}
	return send(ctx, s, site, command, c.Path)
}

func send(ctx context.Context, s system, site *videos.Site, command, path string) error {
	reply, err := site.Command(ctx, command, path)
	var refused *videos.RefusedError
	if errors.As(err, &refused) {
		return negative{printable(refused.Sentence)}
	}
	if err != nil {
		return err
	}
	text := path + ": " + string(reply.State)
	if reply.Reason != "" {
		text += ": " + reply.Reason
	}
	fmt.Fprintln(s.out, printable(text))
	return nil
}

const commandHelp = `Needs lambda:InvokeFunction on the ingest function, and cloudformation:DescribeStacks. Exit code 1: there is no such lesson, or the function refused.

` + siteHelp

type publishCommand struct{ lessonCommand }

func (publishCommand) Help() string {
	return "Shows a lesson that is a draft. It wins over the metadata files.\n\n" + commandHelp
}

func (c publishCommand) Run(ctx context.Context, s system) error { return c.send(ctx, s, "publish") }

type draftCommand struct{ lessonCommand }

func (draftCommand) Help() string {
	return "Hides a lesson from viewers. It wins over the metadata files.\n\n" + commandHelp
}

func (c draftCommand) Run(ctx context.Context, s system) error { return c.send(ctx, s, "draft") }

type freeCommand struct{ lessonCommand }

func (freeCommand) Help() string {
	return "Lets everyone watch a lesson. It wins over the metadata files.\n\n" + commandHelp
}

func (c freeCommand) Run(ctx context.Context, s system) error { return c.send(ctx, s, "free") }

type premiumCommand struct{ lessonCommand }

func (premiumCommand) Help() string {
	return "Puts a lesson behind signed cookies. It wins over the metadata files.\n\n" + commandHelp
}

func (c premiumCommand) Run(ctx context.Context, s system) error { return c.send(ctx, s, "premium") }

type rmCommand struct{ lessonCommand }

func (rmCommand) Help() string {
	return "Removes a lesson: its versions, its film, captions, poster and metadata.\n\n" + commandHelp
}

func (c rmCommand) Run(ctx context.Context, s system) error { return c.send(ctx, s, "rm") }

type retryCommand struct {
	siteFlags
	Path        string `arg:"" optional:"" help:"The lesson: COURSE/LESSON, as premium videos lists it."`
	DeadLetters bool   `help:"Handle the events of the dead-letter queue again."`
}

func (retryCommand) Help() string {
	return `Encodes a film again whose lesson failed, or with --dead-letters handles the events again that ended in the dead-letter queue. Events that fail again stay in the queue. --dead-letters needs sqs:ReceiveMessage and DeleteMessage on the queue too.

` + commandHelp
}

func (c retryCommand) Run(ctx context.Context, s system) error {
	if c.DeadLetters == (c.Path != "") {
		return errors.New("set either COURSE/LESSON or --dead-letters")
	}
	if !c.DeadLetters {
		return lessonCommand{c.siteFlags, c.Path}.send(ctx, s, "retry")
	}
	site, err := c.site(ctx)
	if err != nil {
		return err
	}
	handled, failed, err := site.Redrive(ctx)
	fmt.Fprintf(s.out, "%d events handled, %d failed again.\n", handled, failed)
	var refused *videos.RefusedError
	if errors.As(err, &refused) {
		return negative{"the last failure: " + printable(strings.TrimSpace(refused.Sentence))}
	}
	return err
}
