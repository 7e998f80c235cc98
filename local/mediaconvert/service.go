// Package mediaconvert serves the part of AWS Elemental MediaConvert that this
// project's jobs use: it reads the real job document, encodes with ffmpeg, and
// sends the service's events. An unsupported setting is an error.
package mediaconvert

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Bucket reads and writes objects for the service, with the job's role.
type Bucket interface {
	// Fetch downloads an object to a local file.
	Fetch(role, bucket, key, file string) error
	// Store puts a local file into a bucket. It may move the file.
	Store(role, bucket, key, file string) error
}

// Options are the options of a Service.
type Options struct {
	Bucket Bucket
	// Send delivers an event of the source aws.mediaconvert.
	Send func(detailType string, detail map[string]any)
	// Authorize, unless nil, decides whether a request may perform an action.
	Authorize func(r *http.Request, action string, resources ...string) error
	// PassRole, unless nil, decides whether the service may assume a role.
	PassRole func(role string) error
	Account  string
	Region   string
	Log      *slog.Logger
}

// A Service is an [http.Handler] that serves MediaConvert's API.
type Service struct {
	options Options
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	// one job encodes at a time: ffmpeg uses every core.
	one chan struct{}

	mu     sync.Mutex
	jobs   map[string]*job
	tokens map[string]*job
}

type job struct {
	id      string
	order   createJob
	made    time.Time
	status  string
	percent int
	code    int
	message string
}

// New returns a service. Close ends its jobs.
func New(options Options) *Service {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Service{options: options, ctx: ctx, stop: stop, one: make(chan struct{}, 1), jobs: map[string]*job{}, tokens: map[string]*job{}}
}

// Close cancels all jobs and waits for their processes.
func (s *Service) Close() {
	s.stop()
	s.running.Wait()
}

const (
	version = "/2017-08-29"
	maxBody = 1 << 20
	// tokenLife is how long a client request token identifies one job.
	tokenLife = time.Minute
)

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	id, isJob := strings.CutPrefix(r.URL.Path, version+"/jobs/")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == version+"/jobs":
		s.createJob(w, r, body)
	case r.Method == http.MethodGet && isJob:
		s.getJob(w, r, id)
	case r.Method == http.MethodPost && r.URL.Path == version+"/probe":
		s.probe(w, r, body)
	default:
		refuse(w, http.StatusNotFound, "NotFoundException", "the local MediaConvert has no "+r.Method+" "+r.URL.Path)
	}
}

func (s *Service) arn(kind string) string {
	return "arn:aws:mediaconvert:" + s.options.Region + ":" + s.options.Account + ":" + kind
}

func (s *Service) allowed(w http.ResponseWriter, r *http.Request, action string, resources ...string) bool {
	if s.options.Authorize == nil {
		return true
	}
	if err := s.options.Authorize(r, action, resources...); err != nil {
		refuse(w, http.StatusForbidden, "ForbiddenException", err.Error())
		return false
	}
	return true
}

func (s *Service) createJob(w http.ResponseWriter, r *http.Request, body []byte) {
	if !s.allowed(w, r, "mediaconvert:CreateJob", s.arn("queues/Default")) {
		return
	}
	order, err := parse(body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	if !s.allowed(w, r, "iam:PassRole", order.Role) {
		return
	}
	if s.options.PassRole != nil {
		if err := s.options.PassRole(order.Role); err != nil {
			refuse(w, http.StatusForbidden, "ForbiddenException", err.Error())
			return
		}
	}
	s.mu.Lock()
	j := s.tokens[order.ClientRequestToken]
	if order.ClientRequestToken == "" || j == nil || time.Since(j.made) > tokenLife {
		var id [6]byte
		rand.Read(id[:])
		j = &job{id: fmt.Sprintf("%d-%s", time.Now().UnixMilli(), hex.EncodeToString(id[:])), order: order, made: time.Now(), status: "SUBMITTED"}
		s.jobs[j.id], s.tokens[order.ClientRequestToken] = j, j
		s.running.Go(func() { s.run(j) })
	}
	document := s.document(j)
	s.mu.Unlock()
	answer(w, http.StatusCreated, map[string]any{"job": document})
}

func (s *Service) getJob(w http.ResponseWriter, r *http.Request, id string) {
	if !s.allowed(w, r, "mediaconvert:GetJob", s.arn("jobs/"+id)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	if j == nil {
		refuse(w, http.StatusNotFound, "NotFoundException", "The specified job does not exist.")
		return
	}
	answer(w, http.StatusOK, map[string]any{"job": s.document(j)})
}

// document returns a job as GetJob does, without its settings. The caller holds
// the lock.
func (s *Service) document(j *job) map[string]any {
	d := map[string]any{
		"id": j.id, "arn": s.arn("jobs/" + j.id), "role": j.order.Role, "status": j.status, "userMetadata": j.order.UserMetadata,
		"createdAt": j.made.Unix(), "queue": s.arn("queues/Default"), "jobPercentComplete": j.percent,
	}
	if j.code != 0 {
		d["errorCode"], d["errorMessage"] = j.code, j.message
	}
	return d
}

// run runs a job and sends its events.
func (s *Service) run(j *job) {
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	case <-s.ctx.Done():
		return
	}
	s.change(j, "PROGRESSING", 0)
	s.send(j, nil)
	last := time.Now()
	err := s.carryOut(j, func(percent int) {
		// More frequent than on AWS, where jobs take longer.
		if time.Since(last) < time.Second {
			return
		}
		last = time.Now()
		s.change(j, "PROGRESSING", percent)
		s.sendAs(j, "STATUS_UPDATE", map[string]any{"jobProgress": map[string]any{"jobPercentComplete": percent, "currentPhase": "TRANSCODING"}})
	})
	if s.ctx.Err() != nil {
		return
	}
	if err == nil {
		s.change(j, "COMPLETE", 100)
		s.send(j, map[string]any{"outputGroupDetails": groups(j.order)})
		return
	}
	failed, ok := errors.AsType[*jobError](err)
	if !ok {
		failed = &jobError{1999, err.Error()}
	}
	if errors.Is(err, exec.ErrNotFound) {
		failed = &jobError{1999, "ffmpeg is not installed, or not on the PATH: install ffmpeg, then try again"}
	}
	s.options.Log.Error("MediaConvert job failed", "job", j.id, "input", j.order.Settings.Inputs[0].FileInput, "cause", failed.message)
	s.mu.Lock()
	j.status, j.code, j.message = "ERROR", failed.code, failed.message
	s.mu.Unlock()
	s.send(j, map[string]any{"errorCode": failed.code, "errorMessage": failed.message})
}

func (s *Service) change(j *job, status string, percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.status, j.percent = status, percent
}

func (s *Service) send(j *job, more map[string]any) {
	s.mu.Lock()
	status := j.status
	s.mu.Unlock()
	s.sendAs(j, status, more)
}

// sendAs sends an event of a status, which for progress is not the job's own.
func (s *Service) sendAs(j *job, status string, more map[string]any) {
	metadata := j.order.UserMetadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	detail := map[string]any{
		"timestamp": time.Now().UnixMilli(), "accountId": s.options.Account, "queue": s.arn("queues/Default"),
		"jobId": j.id, "status": status, "userMetadata": metadata,
	}
	for k, v := range more {
		detail[k] = v
	}
	s.options.Send("MediaConvert Job State Change", detail)
}

// groups returns the outputs for the event of a finished job: of a CMAF group its
// playlists only, of frame captures the last image only.
func groups(order createJob) (list []any) {
	for _, g := range order.Settings.OutputGroups {
		if c := g.OutputGroupSettings.CMAFGroupSettings; c != nil {
			list = append(list, map[string]any{"type": "CMAF_GROUP", "playlistFilePaths": []string{c.Destination + ".m3u8"}})
			continue
		}
		list = append(list, map[string]any{"type": "FILE_GROUP"})
	}
	return list
}

func (s *Service) carryOut(j *job, progress func(int)) error {
	folder, err := os.MkdirTemp("", "mediaconvert-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(j.order.Settings.Inputs[0].FileInput, "s3://"), "/")
	source := filepath.Join(folder, "source"+filepath.Ext(key))
	if err := s.options.Bucket.Fetch(j.order.Role, bucket, key, source); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return &jobError{1404, "Unable to open input file: " + err.Error()}
		}
		return &jobError{1401, "Unable to open input file: " + err.Error()}
	}
	made := filepath.Join(folder, "made")
	for _, destination := range destinations(j.order) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(made, below(destination))), 0o755); err != nil {
			return err
		}
	}
	if err := encode(s.ctx, j.order, source, made, progress); err != nil {
		return err
	}
	target, _, _ := strings.Cut(strings.TrimPrefix(destinations(j.order)[0], "s3://"), "/")
	return filepath.WalkDir(made, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		within, err := filepath.Rel(made, file)
		if err != nil {
			return err
		}
		if err := s.options.Bucket.Store(j.order.Role, target, filepath.ToSlash(within), file); err != nil {
			return &jobError{1517, "Unable to write output: " + err.Error()}
		}
		return nil
	})
}

func destinations(order createJob) (list []string) {
	for _, g := range order.Settings.OutputGroups {
		if c := g.OutputGroupSettings.CMAFGroupSettings; c != nil {
			list = append(list, c.Destination)
		} else {
			list = append(list, g.OutputGroupSettings.FileGroupSettings.Destination)
		}
	}
	return list
}

// probe handles Probe.
func (s *Service) probe(w http.ResponseWriter, r *http.Request, body []byte) {
	if !s.allowed(w, r, "mediaconvert:Probe", "*") {
		return
	}
	var asked struct {
		InputFiles []struct {
			FileURL string `json:"fileUrl"`
		} `json:"inputFiles"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || len(asked.InputFiles) != 1 || !objectForm.MatchString(asked.InputFiles[0].FileURL) {
		refuse(w, http.StatusBadRequest, "BadRequestException", "inputFiles must have one fileUrl, s3://BUCKET/KEY")
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(asked.InputFiles[0].FileURL, "s3://"), "/")
	// Probe has no role: the file is read with the caller's permissions.
	if !s.allowed(w, r, "s3:GetObject", "arn:aws:s3:::"+bucket+"/"+key) {
		return
	}
	folder, err := os.MkdirTemp("", "mediaconvert-")
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerErrorException", err.Error())
		return
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "source"+filepath.Ext(key))
	if err := s.options.Bucket.Fetch("", bucket, key, file); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", "Unable to open input file: "+err.Error())
		return
	}
	m, err := probe(r.Context(), file)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	var tracks []any
	for i, stream := range m.Streams {
		track := map[string]any{"index": i + 1}
		if d, err := strconv.ParseFloat(stream.Duration, 64); err == nil {
			track["duration"] = d
		}
		switch stream.CodecType {
		case "video":
			rate := map[string]any{}
			n, d, _ := strings.Cut(stream.AvgFrameRate, "/")
			if num, err := strconv.Atoi(n); err == nil {
				den, _ := strconv.Atoi(d)
				rate["numerator"], rate["denominator"] = num, max(den, 1)
			}
			track["trackType"] = "video"
			properties := map[string]any{"width": stream.Width, "height": stream.Height, "frameRate": rate}
			if transfer := map[string]string{"smpte2084": "SMPTE_2084", "arib-std-b67": "ARIB_B67", "bt709": "ITU_709"}[stream.Transfer]; transfer != "" {
				properties["transferCharacteristics"] = transfer
			}
			track["videoProperties"] = properties
		case "audio":
			sample, _ := strconv.Atoi(stream.SampleRate)
			track["trackType"] = "audio"
			track["audioProperties"] = map[string]any{"channels": stream.Channels, "sampleRate": sample}
		default:
			track["trackType"] = "data"
		}
		tracks = append(tracks, track)
	}
	answer(w, http.StatusOK, map[string]any{"probeResults": []any{map[string]any{
		"container": map[string]any{"duration": m.duration(), "format": strings.Split(m.Format.Name, ",")[0], "tracks": tracks},
	}}})
}

// decibels converts a gain in dB to a factor.
func decibels(gain int) float64 { return math.Pow(10, float64(gain)/20) }

func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) // fails only if the client disconnected
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("X-Amzn-Errortype", code)
	answer(w, status, map[string]any{"message": message})
}
