-- One row per enrollment that counts: as xPress Roster writes it, and its place among the student's.
-- Reads: enrollment_scope, School, x_grade_level.
-- Rules: primary before secondary, then the latest start and the greatest enrollmentID: place 1 is
-- the enrollment, the others are the other enrollments.
SELECT
    e.personID,
    row_number() OVER (PARTITION BY e.personID ORDER BY
        e.service_type, e.startDate DESC NULLS LAST, e.enrollmentID DESC
    ) AS place,
    named_struct(
        'entryDate', e.startDate,
        'exitDate', e.endDate,
        'gradeLevel', g.sif,
        'leaRefId', ref_id('xLea', s.districtID),
        'membershipType', CASE e.service_type WHEN 'P' THEN 'Home' ELSE 'Concurrent' END,
        'projectedGraduationYear', e.gradYear,
        'schoolRefId', ref_id('xSchool', e.schoolID)
    ) AS enrollment,
    unmapped('xgrade_level', e.grade, g.sif) AS unmapped_grade
FROM enrollment_scope e
LEFT JOIN School s ON s.schoolID = e.schoolID
LEFT JOIN x_grade_level g ON g.code = lpad(e.grade, greatest(2, character_length(e.grade)), '0')
WHERE e.counts
