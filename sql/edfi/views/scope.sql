-- One row: the settings, and what follows from them.
-- Reads: settings, District.
-- Rules: a school year named by its end year (2026) runs from 1 July to 30 June; the number of the
-- district stands in front of made-up contact ids. One pipeline serves one district.
SELECT
    s.school_year,
    s.all_schools,
    concat(s.school_year - 1, '-', s.school_year) AS school_year_name,
    make_date(s.school_year - 1, 7, 1) AS year_start,
    make_date(s.school_year, 6, 30) AS year_end,
    s.local_education_agency_id,
    s.student_unique_id,
    s.staff_unique_id,
    s.contact_unique_id,
    d.district_number
FROM settings s
CROSS JOIN (SELECT min(trim(number)) AS district_number FROM District) d
