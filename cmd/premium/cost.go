package main

import (
	"premiumhls/internal/cost"
)

type costCommand struct {
	Viewers       float64 `default:"1000" help:"Viewers in a month."`
	Minutes       float64 `default:"300" help:"Minutes that each viewer watches in a month."`
	Videos        float64 `default:"100" help:"Videos."`
	Length        float64 `default:"15" help:"Minutes of a video."`
	Visit         float64 `default:"30" help:"Minutes watched in one visit."`
	Mbps          float64 `default:"3" help:"Average bit rate that is delivered, in Mbit/s."`
	StoredMbps    float64 `default:"10" help:"Bit rate of all renditions together, in Mbit/s."`
	Segment       float64 `default:"6" help:"Seconds of a segment."`
	SeparateAudio bool    `help:"Audio is in segments of its own (CMAF)."`
	KMS           bool    `name:"kms" help:"Keys are in KMS (keyCustody kms)."`
	EmailGrants   bool    `help:"Grants are made to email addresses (emailGrants)."`
	OwnIssuer     bool    `help:"Viewers sign in at an issuer of your own, not at Cognito."`
	Sales         float64 `help:"Purchases with Stripe in a month."`
	Links         float64 `help:"Plays with a link in a month, besides the visits; each plays one video."`
	Ingest        float64 `placeholder:"HOURS" help:"Hours of film that ingest encodes in a month."`
	TopRendition  int     `default:"1080" help:"Largest rendition of ingested films (the setting topRendition)."`
	Fast          bool    `help:"Ingested films have more than 30 frames a second."`
	WebACL        bool    `name:"web-acl" help:"A web ACL on pay-as-you-go (flat-rate plans include one)."`
	JSON          bool    `name:"json" help:"Print JSON."`
}

func (costCommand) Help() string {
	return `Prints what a month costs in USD with each of CloudFront's plans and with pay-as-you-go, and what hosted video services charge by their public prices. It needs no AWS account and no network.`
}

func (c costCommand) Run(s system) error {
	m := cost.NewMonth(c.Viewers, c.Minutes, c.Videos)
	m.VideoMinutes, m.VisitMinutes, m.Mbps, m.StoredMbps = c.Length, c.Visit, c.Mbps, c.StoredMbps
	m.SegmentSeconds, m.SeparateAudio = c.Segment, c.SeparateAudio
	m.Sales, m.Links = c.Sales, c.Links
	m.IngestHours, m.TopRendition, m.Fast = c.Ingest, c.TopRendition, c.Fast
	m.KMS, m.EmailGrants, m.Cognito, m.WebACL = c.KMS, c.EmailGrants, !c.OwnIssuer, c.WebACL
	if err := m.Check(); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string]any{"usage": m.Usage(), "rows": cost.Rows(m)})
	}
	return cost.Print(s.out, m)
}
