-- One row per section in scope: its course, when it meets, its students and its teacher.
-- Reads: section_scope, SectionPlacement, period_name, Period, Room, Roster, student, x_person,
-- section_teacher.
-- Rules: of a roster row of the section's own trial; a student who has left the section by the end
-- of the year stays, so that a past year is whole. The primary teacher is the one of type P who
-- began first, else the section's own.
WITH meetings AS (
    SELECT
        s.sectionID,
        array_sort(array_agg(DISTINCT named_struct(
            'timeTableDay', n.day_name,
            'timeTablePeriod', n.period_name,
            'classBeginningTime', o.startTime,
            'classEndingTime', o.endTime,
            'roomNumber', nullif(trim(r.name), '')
        ))) AS list
    FROM section_scope s
    JOIN SectionPlacement p ON p.sectionID = s.sectionID AND p.trialID = s.trialID
    JOIN period_name n ON n.periodID = p.periodID
    JOIN Period o ON o.periodID = p.periodID
    LEFT JOIN Room r ON r.roomID = s.roomID
    WHERE s.in_scope
    GROUP BY s.sectionID
),
members AS (
    SELECT
        r.sectionID,
        array_sort(array_agg(DISTINCT named_struct(
            'refId', ref_id('xStudent', r.personID),
            'familyName', p.family_name,
            'givenName', p.given_name,
            'localId', p.student_number
        ))) AS list
    FROM section_scope s
    JOIN Roster r ON r.sectionID = s.sectionID AND r.trialID = s.trialID
    JOIN student u ON u.personID = r.personID
    JOIN x_person p ON p.personID = r.personID
    WHERE s.in_scope
    GROUP BY r.sectionID
),
primaries AS (
    SELECT
        sectionID,
        first_value(personID ORDER BY startDate NULLS FIRST, personID) AS personID
    FROM section_teacher
    WHERE staff_type = 'P'
    GROUP BY sectionID
)
SELECT
    ref_id('xRoster', s.sectionID) AS refId,
    ref_id('xCourse', s.courseID) AS courseRefId,
    s.title AS courseTitle,
    ref_id('SectionInfo', s.sectionID) AS sectionRefId,
    ref_id('xSchool', s.schoolID) AS schoolRefId,
    concat(s.course_number, '-', s.section_number) AS schoolSectionId,
    s.school_year AS schoolYear,
    m.list AS meetingTimes,
    u.list AS students,
    CASE WHEN p.personID IS NOT NULL THEN
        named_struct(
            'staffPersonReference', named_struct(
                'refId', ref_id('xStaff', p.personID),
                'localId', p.staff_number,
                'givenName', p.given_name,
                'familyName', p.family_name
            ),
            'teacherOfRecord', true
        )
    END AS primaryStaff,
    'Section' AS _source_table,
    CAST(s.sectionID AS VARCHAR) AS _source_key,
    s.schoolID AS _school_id,
    s.courseID AS _course_id,
    s.sectionID AS _section_id,
    s.orphan AS _reject
FROM section_scope s
LEFT JOIN meetings m ON m.sectionID = s.sectionID
LEFT JOIN members u ON u.sectionID = s.sectionID
LEFT JOIN primaries t ON t.sectionID = s.sectionID
LEFT JOIN x_person p ON p.personID = coalesce(t.personID, s.teacherPersonID)
WHERE s.in_scope
