//! The continent of a country, where a source has only the country: as MaxMind assigns them, and
//! so GeoNames; the UN (M49) has some elsewhere, as Cyprus in Asia.

/// Two-letter codes (ISO 3166-1) in order, for each continent. XK is used for Kosovo; EU and AP, which some databases have for addresses of a
/// region, are not countries and stand only for their continents.
const CONTINENTS: [([u8; 2], &str); 7] = [
    (
        *b"AF",
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC \
         SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    ),
    (*b"AN", "AQ BV GS HM TF"),
    (
        *b"AS",
        "AE AF AM AP AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK \
         PS QA SA SG SY TH TJ TM TR TW UZ VN YE",
    ),
    (
        *b"EU",
        "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES EU FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT \
         RO RS RU SE SI SJ SK SM UA VA XK",
    ),
    (
        *b"NA",
        "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI",
    ),
    (*b"OC", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS"),
    (*b"SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE"),
];

/// Whether there is a continent of this code.
pub(super) fn is_continent(code: [u8; 2]) -> bool {
    CONTINENTS.iter().any(|(continent, _)| *continent == code)
}

/// The continent of a country; none for what is no country.
pub(crate) fn continent_of(country: [u8; 2]) -> Option<[u8; 2]> {
    let holds = |codes: &str| codes.as_bytes().chunks(3).any(|code| code[..2] == country);
    CONTINENTS.iter().find(|(_, codes)| holds(codes)).map(|(continent, _)| *continent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_is_on_one_continent() {
        let all: Vec<&str> = CONTINENTS.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        let mut unique = all.clone();
        unique.sort_unstable();
        unique.dedup();
        // The 249 of ISO 3166-1, XK, and the two of regions.
        assert_eq!((all.len(), unique.len()), (252, 252));
        assert!(all.iter().all(|code| code.len() == 2));
        for (country, continent) in
            [("DE", "EU"), ("ZW", "AF"), ("TL", "OC"), ("US", "NA"), ("TR", "AS"), ("CY", "EU")]
        {
            let country = country.as_bytes().try_into().unwrap();
            assert_eq!(continent_of(country).unwrap(), continent.as_bytes());
        }
        assert_eq!(continent_of(*b"ZZ"), None);
    }
}
