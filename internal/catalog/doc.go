// Package catalog defines courses and lessons: what an owner uploads and under
// which names, what is recorded about each lesson, and what the page reads.
//
// Three kinds of files stand in the bucket:
//
//   - uploads/COURSE/LESSON.mp4 and what lies beside it: the owner's own files,
//     which CloudFront does not reach;
//   - ingest/COURSE/LESSON.json: a [Record] of each lesson, which CloudFront
//     does not reach either;
//   - public/catalog.json, public/catalog/COURSE.json and, behind the cookies,
//     premium/COURSE/LESSON/lesson.json: what the page reads.
package catalog
